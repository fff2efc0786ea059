package web

import (
	"context"
	"errors"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/seed82d84382/commerce/examples/storefront/catalogue"
	"github.com/seed82d84382/commerce/examples/storefront/i18n"
	"github.com/seed82d84382/commerce/examples/storefront/shop"
	"github.com/seed82d84382/commerce/search"
)

type searchPage struct {
	Heading              string
	Action               string // of the filter form
	Query                string
	Total                int
	Corrected            string // what was searched instead
	DidYouMean           string // what might have been meant
	DidYouMeanURL        string
	Chips                []chip
	ClearURL             string // without the filters, when there are any
	Sorts                []choice
	Facets               []facet
	Cards                []card
	Instead              []card // what to look at when nothing was found
	PageNumber           int
	PageCount            int
	PreviousURL, NextURL string
}

type chip struct{ Label, URL string }

type choice struct {
	Value, Label string
	Selected     bool
	Count        string
}

type facet struct {
	Name, Label string
	Values      []choice
}

const (
	pageSize     = 24
	reachable    = 10_000 // as far as pages go; a shopper narrows long before
	maxQueryText = 400    // characters
)

// searchPage shows what a search finds, or a category, or everything.
func (s *Server) searchPage(w http.ResponseWriter, r *http.Request) error {
	ctx, lang := r.Context(), i18nOf(r)
	ask, err := readAsk(r)
	if err != nil {
		return err
	}
	found, err := s.search.Search(ctx, ask.query(lang))
	if errors.Is(err, search.ErrInvalid) {
		return &shop.InvalidError{Field: "q", Reason: "error.query"}
	}
	if err != nil {
		return err
	}
	page := searchPage{
		Heading: ask.heading(lang), Action: ask.path, Query: ask.text, Total: found.Total,
		Corrected: found.Corrected, DidYouMean: found.DidYouMean, DidYouMeanURL: ask.with("q", found.DidYouMean),
		Chips: ask.chips(lang), Sorts: ask.sorts(lang), Facets: ask.facets(lang, found),
		PageNumber: ask.page, PageCount: max(1, (min(found.Total, reachable)+pageSize-1)/pageSize),
	}
	if len(page.Chips) > 0 {
		page.ClearURL = ask.cleared()
	}
	if ask.page > 1 {
		page.PreviousURL = ask.with("page", strconv.Itoa(min(ask.page-1, page.PageCount)))
	}
	if ask.page < page.PageCount {
		page.NextURL = ask.with("page", strconv.Itoa(ask.page+1))
	}
	if page.Cards, err = s.hitCards(ctx, lang, found.Hits); err != nil {
		return err
	}
	if len(page.Cards) == 0 {
		popular, err := s.products.List(ctx, "", 0, 4)
		if err != nil {
			return err
		}
		if page.Instead, err = s.cards(ctx, lang, popular); err != nil {
			return err
		}
	}
	return s.show(w, r, http.StatusOK, "search", page.Heading, page)
}

// hitCards dresses what was found, with the found words marked in the titles.
func (s *Server) hitCards(ctx context.Context, lang i18n.Language, hits []search.Hit) ([]card, error) {
	marked := make(map[string]template.HTML, len(hits))
	ids := make([]string, len(hits))
	for i, hit := range hits {
		ids[i] = hit.ID
		if title, ok := hit.Highlight[catalogue.TitleField(catalogue.Language(lang))]; ok {
			marked[productURL(hit.ID)] = template.HTML(title) // escaped by the search package
		}
	}
	products, err := s.products.ByIDs(ctx, ids)
	if err != nil {
		return nil, err
	}
	cards, err := s.cards(ctx, lang, products)
	for i := range cards {
		if title, ok := marked[cards[i].URL]; ok && products[i].Title.In(catalogue.Language(lang)) != "" {
			cards[i].Title = title
		}
	}
	return cards, err
}

// findProducts returns a page of what a text finds, for the administration.
func (s *Server) findProducts(ctx context.Context, text string, number, size int) (products []catalogue.Product, more bool, err error) {
	if utf8.RuneCountInString(text) > maxQueryText {
		return nil, false, &shop.InvalidError{Field: "q", Reason: "error.query"}
	}
	if number*size > reachable {
		return nil, false, nil
	}
	found, err := s.search.Search(ctx, search.Query{Text: text, Limit: size, Offset: (number - 1) * size, Return: []string{}})
	if err != nil {
		return nil, false, err
	}
	ids := make([]string, len(found.Hits))
	for i, hit := range found.Hits {
		ids[i] = hit.ID
	}
	products, err = s.products.ByIDs(ctx, ids)
	return products, found.Total > number*size, err
}

// suggest completes what is being typed.
func (s *Server) suggest(w http.ResponseWriter, r *http.Request) error {
	text := r.URL.Query().Get("q")
	if text == "" || utf8.RuneCountInString(text) > maxQueryText {
		return errBadRequest
	}
	found, err := s.search.Suggest(r.Context(), search.SuggestQuery{Text: text, Queries: 8, Hits: -1})
	if err != nil {
		return err
	}
	answer := struct {
		Suggestions []string `json:"suggestions"`
	}{make([]string, len(found.Queries))}
	for i, query := range found.Queries {
		answer.Suggestions[i] = query.Text
	}
	return writeJSON(w, answer)
}

// similarTo returns products like one, best first.
func (s *Server) similarTo(ctx context.Context, p *catalogue.Product, limit int) ([]catalogue.Product, error) {
	hits, err := s.search.Similar(ctx, p.ID, &search.SimilarQuery{Limit: limit, Return: []string{}})
	if errors.Is(err, search.ErrNotFound) { // not indexed yet
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	ids := make([]string, len(hits))
	for i, hit := range hits {
		ids[i] = hit.ID
	}
	products, err := s.products.ByIDs(ctx, ids)
	return slices.Clip(products), err
}

func cloned(values url.Values) url.Values {
	copied := make(url.Values, len(values))
	for name, list := range values {
		copied[name] = slices.Clone(list)
	}
	return copied
}
