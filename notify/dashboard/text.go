package dashboard

import (
	"embed"
	"fmt"
	"html/template"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/seed82d84382/commerce/notify"
)

//go:embed templates
var files embed.FS

// pages are the templates by language.
var pages = map[string]*template.Template{"en": parse("en"), "zh": parse("zh")}

func parse(language string) *template.Template {
	say := func(text string, args ...any) string {
		if chinese, ok := zh[text]; ok && language == "zh" {
			text = chinese
		}
		if len(args) == 0 {
			return text
		}
		return fmt.Sprintf(text, args...)
	}
	return template.Must(template.New("").Funcs(template.FuncMap{
		"say":      say,
		"number":   grouped,
		"number64": func(n int64) string { return grouped(int(n)) },
		"duration": brief,
		"busy": func(w notify.WorkerInfo) (n int) {
			for _, q := range w.Queues {
				n += q.Running
			}
			return n
		},
		"count":  func(counts map[notify.State]int, s notify.State) int { return counts[s] },
		"states": func() []notify.State { return notify.States },
		"link":   link,
		"add":    func(a, b int) int { return a + b },
		"line":   firstLine,
		"stamp":  func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") },
		"iso":    func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
		"ago":    func(now, t time.Time) string { return relative(say, now, t) },
		"movable": func(s notify.State) bool { // what Replay moves
			return s == notify.Dead || s == notify.Retrying || s == notify.Scheduled
		},
	}).ParseFS(files, "templates/*.html"))
}

// brief writes a duration with the digits that matter.
func brief(d time.Duration) string {
	switch {
	case d == 0:
		return "–"
	case d < time.Millisecond:
		return fmt.Sprintf("%d µs", d.Microseconds())
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d < time.Minute:
		return fmt.Sprintf("%.1f s", d.Seconds())
	}
	return d.Round(time.Second).String()
}

// grouped writes 1234567 as 1,234,567.
func grouped(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// link builds a path with a query of names and values, empty ones left out.
func link(prefix, path string, pairs ...any) string {
	query := make(url.Values)
	for i := 0; i+1 < len(pairs); i += 2 {
		if value := fmt.Sprint(pairs[i+1]); value != "" {
			query.Set(fmt.Sprint(pairs[i]), value)
		}
	}
	if len(query) == 0 {
		return prefix + path
	}
	return prefix + path + "?" + query.Encode()
}

func firstLine(s string) string {
	s, _, _ = strings.Cut(s, "\n")
	if runes := []rune(s); len(runes) > 120 {
		return string(runes[:120]) + "…"
	}
	return s
}

// relative says how far t is from now, roughly.
func relative(say func(string, ...any) string, now, t time.Time) string {
	d := now.Sub(t)
	past := d >= 0
	d = d.Abs()
	var amount string
	switch {
	case d < time.Second:
		return say("now")
	case d < time.Minute:
		amount = say("%d s", int(d.Seconds()))
	case d < time.Hour:
		amount = say("%d min", int(d.Minutes()))
	case d < 48*time.Hour:
		amount = say("%d h", int(d.Hours()))
	default:
		amount = say("%d days", int(d.Hours()/24))
	}
	if past {
		return say("%s ago", amount)
	}
	return say("in %s", amount)
}

// zh translates what the pages say; a test holds it complete.
var zh = map[string]string{
	"Queues": "队列", "Back": "返回", "Jobs": "任务", "All queues": "所有队列", "All states": "所有状态",
	"Queue": "队列", "State": "状态", "Kind": "类型", "Key": "键", "Priority": "优先级", "Attempts": "尝试次数",
	"Due": "计划时间", "Enqueued": "入队时间", "Expires": "过期时间", "Lease until": "租约到期",
	"scheduled": "已计划", "available": "待处理", "running": "处理中", "retrying": "待重试", "dead": "死信",
	"Paused": "已暂停", "Pause": "暂停", "Resume": "恢复", "Retry": "重试", "Delete": "删除", "Run now": "立即运行",
	"Retry selected": "重试所选", "Delete selected": "删除所选", "Select": "选择", "Filter": "筛选", "ID": "编号",
	"Handled": "已处理", "Failed attempts": "失败次数", "in the last hour": "最近一小时", "Per minute": "每分钟", "Retrying": "待重试", "Dead letters": "死信", "Oldest waiting": "最早等待",
	"Last failure": "最近一次失败", "Stack": "调用栈", "Payload": "内容", "Headers": "附加信息",
	"Secrets are masked.":          "敏感信息已隐藏。",
	"This payload is not shown.":   "该内容不予显示。",
	"Only the beginning is shown.": "仅显示开头部分。",
	"No queue has any jobs yet.":   "还没有任何任务。",
	"No jobs here.":                "这里没有任务。",
	"Jobs changed: %d":             "已更改的任务：%d",
	"Previous":                     "上一页",
	"Next":                         "下一页",
	"Page %d":                      "第 %d 页",
	"now":                          "现在",
	"%d s":                         "%d 秒",
	"%d min":                       "%d 分钟",
	"%d h":                         "%d 小时",
	"%d days":                      "%d 天",
	"%s ago":                       "%s前",
	"in %s":                        "%s后",
	"Activity of the last hour":    "最近一小时的活动",
	"The queue does not answer. See the log.":         "队列没有响应，请查看日志。",
	"This queue cannot do that.":                      "此队列不支持该操作。",
	"The request is not valid.":                       "请求无效。",
	"There is no such job. It may have been handled.": "没有这个任务，它可能已处理完毕。",
	"error": "错误", "panic": "崩溃", "timeout": "超时", "permanent": "永久失败", "unknown kind": "未知类型",
	"Workers": "工作进程", "Schedules": "定时任务", "Text": "全文", "process %d": "进程 %d", "started": "启动于", "seen": "最近报告",
	"Handlers": "处理中 / 上限", "weight %d": "权重 %d", "At work on": "正在处理", "Name": "名称", "Expression": "表达式", "Next run": "下次运行", "Last run": "上次运行",
	"Waiting, median": "等待（中位数）", "Running, median": "执行（中位数）", "Waiting, 99 %": "等待（99%）", "Running, 99 %": "执行（99%）",
	"Retry all that match": "重试全部匹配项", "Delete all that match": "删除全部匹配项", "Yes, delete them": "确认删除",
	"Handlers left behind that still run: %d": "已放弃但仍在运行的处理程序：%d",
	"Goroutines left running by %s: %d":       "%s 遗留的协程：%d",
	"No worker has told of itself lately.":    "最近没有工作进程报告状态。",
	"No scheduler has told of itself lately.": "最近没有定时器报告状态。",
	"unreadable": "无法读取", "crashed": "工作进程中断",
}
