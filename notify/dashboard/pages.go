package dashboard

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/seed82d84382/commerce/notify"
)

// perPage is how many jobs one page lists.
const perPage = 50

// page is what templates see.
type page struct {
	Language, Prefix, Title, Back string
	Now                           time.Time

	Message string
	Done    int // jobs changed by the action before; -1: none
	Queues  []queueView
	Filter  notify.Filter
	Jobs    []*notify.Record
	Queue   *queueView // of Filter.Queue, if it is known
	Page    int
	More    bool
	Job     *notify.Record
	Payload preview
	Headers []header

	Workers   []notify.WorkerInfo
	Schedules []notify.ScheduleInfo
}

type queueView struct {
	notify.QueueStats
	PerMinute       float64 // handled, over the last five full minutes
	Handled, Failed int     // in the last hour
	Chart           []bar
	Timed           bool // the latencies are known: of the slowest kind in any worker
	Wait99, Run99   time.Duration
}

// bar is one minute of the chart, in units of its view box.
type bar struct {
	X, Y, Height, FailedY, FailedHeight int
}

// The chart's view box: three units a minute.
const (
	chartMinutes = 60
	chartHeight  = 40
	barStep      = 3
)

func (d *dashboard) overview(w http.ResponseWriter, r *http.Request) {
	stats, err := d.queue.Stats(r.Context())
	if err != nil {
		d.fail(w, r, err)
		return
	}
	workers, err := d.queue.Workers(r.Context())
	if err != nil && !errors.Is(err, errors.ErrUnsupported) {
		d.fail(w, r, err)
		return
	}
	p := &page{Done: -1}
	for _, s := range stats {
		v := d.view(s)
		v.time(workers)
		p.Queues = append(p.Queues, v)
	}
	d.render(w, r, http.StatusOK, "overview.html", p)
}

func (d *dashboard) view(s notify.QueueStats) queueView {
	v := queueView{QueueStats: s}
	current := d.options.Now().UTC().Truncate(time.Minute)
	busiest, recent := 1, 0
	for _, m := range s.Minutes {
		v.Handled += m.Handled
		v.Failed += m.Failed
		busiest = max(busiest, m.Handled+m.Failed)
		if age := current.Sub(m.Start); age > 0 && age <= 5*time.Minute {
			recent += m.Handled
		}
	}
	v.PerMinute = float64(recent) / 5
	for _, m := range s.Minutes {
		minute := chartMinutes - 1 - int(current.Sub(m.Start)/time.Minute)
		if minute < 0 || minute >= chartMinutes {
			continue
		}
		failed := scaled(m.Failed, busiest)
		all := scaled(m.Handled+m.Failed, busiest)
		v.Chart = append(v.Chart, bar{
			X: barStep * minute, Y: chartHeight - all, Height: all - failed, FailedY: chartHeight - failed, FailedHeight: failed,
		})
	}
	return v
}

// time takes the latencies of a queue from the workers on it.
func (v *queueView) time(workers []notify.WorkerInfo) {
	for _, w := range workers {
		if !slices.ContainsFunc(w.Queues, func(q notify.WorkerQueue) bool { return q.Name == v.Queue }) {
			continue
		}
		for _, k := range w.Kinds {
			if k.Queue == v.Queue && k.Run99 > 0 {
				v.Timed = true
				v.Wait99, v.Run99 = max(v.Wait99, k.Wait99), max(v.Run99, k.Run99)
			}
		}
	}
}

func (d *dashboard) workers(w http.ResponseWriter, r *http.Request) {
	workers, err := d.queue.Workers(r.Context())
	if err != nil {
		d.fail(w, r, err)
		return
	}
	d.render(w, r, http.StatusOK, "workers.html", &page{Done: -1, Workers: workers})
}

func (d *dashboard) schedules(w http.ResponseWriter, r *http.Request) {
	schedules, err := d.queue.Schedules(r.Context())
	if err != nil {
		d.fail(w, r, err)
		return
	}
	d.render(w, r, http.StatusOK, "schedules.html", &page{Done: -1, Schedules: schedules})
}

// scaled is a bar's height; something is never nothing.
func scaled(n, most int) int {
	if n == 0 {
		return 0
	}
	return max(2, n*chartHeight/most)
}

func (d *dashboard) jobs(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	p := &page{Page: 1, Done: -1, Filter: notify.Filter{
		Queue: query.Get("queue"), State: notify.State(query.Get("state")), Kind: query.Get("kind"), ID: query.Get("id"), Text: query.Get("q"),
	}}
	if n, err := strconv.Atoi(query.Get("page")); err == nil && n > 1 && n <= 100_000 {
		p.Page = n
	}
	if n, err := strconv.Atoi(query.Get("done")); err == nil && n >= 0 {
		p.Done = n
	}
	filter := p.Filter
	filter.Limit, filter.Offset = perPage+1, (p.Page-1)*perPage
	records, err := d.queue.List(r.Context(), filter)
	if err != nil {
		d.fail(w, r, err)
		return
	}
	if len(records) > perPage {
		records, p.More = records[:perPage], true
	}
	p.Jobs = records
	stats, err := d.queue.Stats(r.Context())
	if err != nil {
		d.fail(w, r, err)
		return
	}
	for _, s := range stats {
		v := d.view(s)
		p.Queues = append(p.Queues, v)
		if s.Queue == p.Filter.Queue {
			p.Queue = &v
		}
	}
	d.render(w, r, http.StatusOK, "jobs.html", p)
}

func (d *dashboard) job(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	filter := notify.Filter{Queue: query.Get("queue"), ID: query.Get("id"), Limit: 1}
	if filter.ID == "" {
		d.fail(w, r, errNotFound)
		return
	}
	records, err := d.queue.List(r.Context(), filter)
	if err == nil && len(records) == 0 {
		err = errNotFound
	}
	if err != nil {
		d.fail(w, r, err)
		return
	}
	job := records[0]
	d.render(w, r, http.StatusOK, "job.html", &page{
		Done: -1, Job: job, Payload: newPreview(d.options.Redact(job.Kind, job.Payload)), Headers: headers(job.Headers),
	})
}

func (d *dashboard) pause(w http.ResponseWriter, r *http.Request) {
	if err := d.queue.Pause(r.Context(), r.PostFormValue("queue")); err != nil {
		d.fail(w, r, err)
		return
	}
	d.redirect(w, r, "/", nil)
}

func (d *dashboard) resume(w http.ResponseWriter, r *http.Request) {
	if err := d.queue.Resume(r.Context(), r.PostFormValue("queue")); err != nil {
		d.fail(w, r, err)
		return
	}
	d.redirect(w, r, "/", nil)
}

func (d *dashboard) replay(w http.ResponseWriter, r *http.Request) {
	n, err := d.queue.Replay(r.Context(), r.PostFormValue("queue"), r.PostForm["id"]...)
	d.answer(w, r, n, err)
}

func (d *dashboard) delete(w http.ResponseWriter, r *http.Request) {
	n, err := d.queue.Delete(r.Context(), r.PostFormValue("queue"), r.PostForm["id"]...)
	d.answer(w, r, n, err)
}

// answer goes back to the list that the action came from.
func (d *dashboard) answer(w http.ResponseWriter, r *http.Request, n int, err error) {
	if err != nil {
		d.fail(w, r, err)
		return
	}
	query := url.Values{"queue": {r.PostFormValue("queue")}, "state": {r.PostFormValue("state")}, "done": {strconv.Itoa(n)}}
	for _, name := range []string{"kind", "q"} {
		if value := r.PostFormValue(name); value != "" {
			query.Set(name, value)
		}
	}
	d.redirect(w, r, "/jobs", query)
}

// all acts on whatever matches the filter of the list. Without a state it would act on too much.
func (d *dashboard) all(change func(context.Context, notify.Filter) (int, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		filter := notify.Filter{
			Queue: r.PostFormValue("queue"), State: notify.State(r.PostFormValue("state")), Kind: r.PostFormValue("kind"), Text: r.PostFormValue("q"),
		}
		if filter.State == "" {
			d.fail(w, r, &notify.InvalidError{Field: "state", Reason: "must be given"})
			return
		}
		n, err := change(r.Context(), filter)
		d.answer(w, r, n, err)
	}
}
