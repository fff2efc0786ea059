package web

import (
	"net/http"
	"time"

	"github.com/seed82d84382/commerce/examples/storefront/i18n"
)

type adminSearchPage struct {
	Indexed     int
	Running     bool
	Done, Total int
	Finished    string
	Failed      string
}

func (s *Server) adminSearch(w http.ResponseWriter, r *http.Request) error {
	lang := i18nOf(r)
	progress := s.indexer.Progress()
	indexed, err := s.indexer.Count(r.Context())
	if err != nil {
		return err
	}
	page := adminSearchPage{Indexed: indexed, Running: progress.Running, Done: progress.Done, Total: max(progress.Total, 1)}
	switch {
	case progress.Running:
	case progress.Err != nil:
		page.Failed = lang.T("admin.reindex-failed")
	case progress.Done > 0:
		page.Finished = lang.T("admin.reindex-done", i18n.Group(int64(progress.Done)), progress.Took.Round(10*time.Millisecond).String())
	}
	return s.showAdmin(w, r, http.StatusOK, "admin_search", "search", lang.T("admin.search"), page)
}

// adminReindex begins to build a new index. A second click finds the first one's at work.
func (s *Server) adminReindex(w http.ResponseWriter, r *http.Request) error {
	if s.indexer.Start() {
		s.log.Info("reindex started")
	}
	return see(w, r, "/admin/search")
}

func (s *Server) adminProgress(w http.ResponseWriter, _ *http.Request) error {
	progress := s.indexer.Progress()
	return writeJSON(w, struct {
		Running bool `json:"running"`
		Done    int  `json:"done"`
		Total   int  `json:"total"`
	}{progress.Running, progress.Done, progress.Total})
}
