package elasticsearch

import (
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/seed82d84382/commerce/search"
)

// scannable is an answer that is read without encoding/json.
type scannable interface{ scan(s *scanner) }

// scan reads a whole answer.
func scan(text []byte, into scannable) error {
	s := scanner{text: text}
	into.scan(&s)
	if err := s.end(); err != nil {
		return fmt.Errorf("search: decode answer of elasticsearch: %w", err)
	}
	return nil
}

// usualPage is how many hits there is room for at first.
const usualPage = 20

// searchAnswer is what the server says to one search.
type searchAnswer struct {
	Status       int
	Total        int
	Hits         []searchHit
	Aggregations map[string]json.RawMessage
	Problem      *cause
}

type searchHit struct {
	ID          string
	Score       float64 // 0 where the server tells none
	Source      source
	Sort        []json.RawMessage
	Group       string
	Explanation *explanation
}

// refusal is the error that stands in the answer.
func (a *searchAnswer) refusal() error {
	if a.Problem != nil {
		return a.Problem.error(a.Status)
	}
	return nil
}

func (a *searchAnswer) scan(s *scanner) {
	s.object(func(key []byte) {
		switch string(key) {
		case "status":
			a.Status = s.int()
		case "error":
			s.decode(&a.Problem)
		case "hits":
			s.object(func(key []byte) { a.scanHits(s, string(key)) })
		case "aggregations":
			a.Aggregations = map[string]json.RawMessage{}
			s.object(func(name []byte) { a.Aggregations[string(name)] = s.skip() })
		default:
			s.skip()
		}
	})
}

func (a *searchAnswer) scanHits(s *scanner, key string) {
	switch key {
	case "total":
		s.object(func(key []byte) {
			if string(key) == "value" {
				a.Total = s.int()
			} else {
				s.skip()
			}
		})
	case "hits":
		s.array(func() {
			if a.Hits == nil {
				a.Hits = make([]searchHit, 0, usualPage)
			}
			a.Hits = append(a.Hits, searchHit{})
			h := &a.Hits[len(a.Hits)-1]
			s.object(func(key []byte) { h.scan(s, key) })
		})
	default:
		s.skip()
	}
}

func (h *searchHit) scan(s *scanner, key []byte) {
	switch string(key) {
	case "_id":
		h.ID = s.string()
	case "_score":
		if score := s.float(); score != nil {
			h.Score = *score
		}
	case "_source":
		s.object(func(key []byte) { h.Source.scan(s, key) })
	case "sort":
		s.array(func() { h.Sort = append(h.Sort, s.skip()) })
	case "fields":
		s.object(func(key []byte) {
			if string(key) != search.FieldGroup {
				s.skip()
				return
			}
			s.array(func() { h.Group = s.string() })
		})
	case "_explanation":
		s.decode(&h.Explanation)
	default:
		s.skip()
	}
}

func (o *source) scan(s *scanner, key []byte) {
	switch string(key) {
	case fieldStored:
		o.Stored = s.skip()
	case fieldVersion:
		o.Version = int64(s.int())
	case fieldGone:
		o.Gone = string(s.skip()) == "true"
	case fieldChanged:
		o.Changed = string(s.skip()) == "true"
	default:
		s.skip()
	}
}

// manyAnswers is what the server says to several searches.
type manyAnswers []searchAnswer

func (m *manyAnswers) scan(s *scanner) {
	s.object(func(key []byte) {
		if string(key) != "responses" {
			s.skip()
			return
		}
		s.array(func() {
			var a searchAnswer
			a.scan(s)
			*m = append(*m, a)
		})
	})
}

// counts are the aggregations of a group, in any of their forms.
type counts map[string]count

type count struct {
	Buckets []bucket
	Count   int
	Number  int // of stats_bucket
	Value   *float64
}

func (c counts) scan(s *scanner) {
	s.object(func(name []byte) {
		if s.next() != '{' { // "doc_count"
			s.skip()
			return
		}
		var one count
		s.object(func(key []byte) { one.scan(s, key) })
		c[string(name)] = one
	})
}

func (c *count) scan(s *scanner, key []byte) {
	switch string(key) {
	case "buckets":
		s.array(func() {
			var b bucket
			s.object(func(key []byte) { b.scan(s, key) })
			c.Buckets = append(c.Buckets, b)
		})
	case "doc_count":
		c.Count = s.int()
	case "count":
		c.Number = s.int()
	case "value":
		c.Value = s.float()
	default:
		s.skip()
	}
}

// bucket is a value and its count.
type bucket struct {
	Key   string // as the server has it, when it is a text
	Text  string // as the server writes it, when it is none
	Count int
}

func (b *bucket) scan(s *scanner, key []byte) {
	switch string(key) {
	case "key":
		if s.next() == '"' {
			b.Key = s.string()
		} else {
			s.skip()
		}
	case "key_as_string":
		b.Text = s.string()
	case "doc_count":
		b.Count = s.int()
	default:
		s.skip()
	}
}

// valuePage is one page of the values of a column.
type valuePage struct {
	After   json.RawMessage
	Buckets []bucket
}

func (p *valuePage) scan(s *scanner) {
	inAggregation(s, valuesName, func(key []byte) {
		switch string(key) {
		case "after_key":
			p.After = s.skip()
		case "buckets":
			s.array(func() {
				var b bucket
				s.object(func(key []byte) {
					if string(key) != "key" {
						b.scan(s, key)
						return
					}
					s.object(func([]byte) {
						if s.next() == '"' {
							b.Key = s.string()
						} else if truth, err := strconv.ParseBool(string(s.skip())); err == nil {
							b.Text = strconv.FormatBool(truth)
						}
					})
				})
				p.Buckets = append(p.Buckets, b)
			})
		default:
			s.skip()
		}
	})
}

// bucketList is the buckets of the one aggregation of an answer.
type bucketList []bucket

func (l *bucketList) scan(s *scanner) {
	inAggregation(s, bucketsName, func(key []byte) {
		var c count
		c.scan(s, key)
		*l = append(*l, c.Buckets...)
	})
}

// inAggregation calls member for what is in one of the aggregations of an answer.
func inAggregation(s *scanner, wanted string, member func(key []byte)) {
	s.object(func(key []byte) {
		if string(key) != "aggregations" {
			s.skip()
			return
		}
		s.object(func(name []byte) {
			if string(name) == wanted {
				s.object(member)
			} else {
				s.skip()
			}
		})
	})
}
