package blevesearch

import (
	"fmt"
	"math"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/seed82d84382/commerce/search"
)

// A matcher walks the documents that match a node, in ascending order of their
// number, and scores the one it is at. Bleve's own searchers are not used,
// because their scores depend on the shape of the query (coordination factors,
// query norms) and could not be the same on another engine.
type matcher interface {
	// next moves to the first matching document at or after least, which must be
	// above the present one, and returns its number, or end.
	next(least uint64) (uint64, error)
	// score is the score of the present document.
	score() float64
	// explain says how score came about.
	explain() search.Explanation
	close()
}

// end is the place after the last document.
const end = math.MaxUint64 - 1

// matcher compiles a node.
func (sn *snapshot) matcher(n search.Node) (matcher, error) {
	switch n.Op {
	case search.OpTerm:
		return sn.term(n)
	case search.OpPhrase:
		return sn.phrase(n)
	case search.OpEverything:
		return constant(sn.live, n), nil
	case search.OpPrefix:
		matched, err := sn.prefix(n.Field, n.Terms[0])
		return constant(matched, n), err
	case search.OpIDs:
		matched, err := sn.ids(n.Terms)
		return constant(matched, n), err
	}
	if n.Op == search.OpScale {
		return sn.scale(n)
	}
	if m, err := sn.word(n); m != nil || err != nil {
		return m, err
	}
	children := make([]matcher, 0, len(n.Nodes))
	for _, child := range n.Nodes {
		m, err := sn.matcher(child)
		if err != nil {
			closeAll(children)
			return nil, err
		}
		children = append(children, m)
	}
	many := group{op: n.Op, boost: n.Boost, bonus: n.Bonus, children: children, after: make([]uint64, len(children)), min: 1}
	switch n.Op {
	case search.OpAll:
		many.min = len(children)
	case search.OpAny:
		many.min = max(1, n.Min)
	case search.OpBest:
	case search.OpPrefer:
		return newPrefer(many), nil
	default:
		closeAll(children)
		return nil, fmt.Errorf("search: unknown operation %q", n.Op)
	}
	if many.min == len(children) && len(children) > 0 && n.Op != search.OpBest {
		return &all{group: many}, nil
	}
	return &some{group: many}, nil
}

func closeAll(matchers []matcher) {
	for _, m := range matchers {
		m.close()
	}
}

// constantMatcher gives each document of a set the same score.
type constantMatcher struct {
	documents roaring.IntPeekable
	boost     float64
	name      string
}

func constant(documents *roaring.Bitmap, n search.Node) matcher {
	if documents == nil {
		return nil
	}
	return &constantMatcher{documents: documents.Iterator(), boost: n.Boost, name: string(n.Op)}
}

func (c *constantMatcher) next(least uint64) (uint64, error) {
	if least > math.MaxUint32 {
		return end, nil
	}
	c.documents.AdvanceIfNeeded(uint32(least))
	if !c.documents.HasNext() {
		return end, nil
	}
	return uint64(c.documents.Next()), nil
}

func (c *constantMatcher) score() float64 { return c.boost }

func (c *constantMatcher) explain() search.Explanation {
	return search.Explanation{Value: c.boost, Message: c.name}
}

func (c *constantMatcher) close() {}

// group is what nodes with children share.
type group struct {
	op       search.NodeOp
	boost    float64
	bonus    float64 // of OpAny
	children []matcher
	after    []uint64 // the place after where each child is; 0 before it began
	present  uint64
	min      int
}

// reach moves a child to least or beyond, when it is not there yet, and returns where it is.
func (g *group) reach(child int, least uint64) (uint64, error) {
	if g.after[child] > least {
		return g.after[child] - 1, nil
	}
	at, err := g.children[child].next(least)
	g.after[child] = at + 1
	return at, err
}

func (g *group) matches(child int) bool { return g.after[child] == g.present+1 }

func (g *group) score() float64 {
	sum, best, n := 0.0, 0.0, 0
	for i, c := range g.children {
		if g.matches(i) {
			n++
			s := c.score()
			sum += s
			best = max(best, s)
		}
	}
	if g.op == search.OpBest {
		return g.boost * best
	}
	if n == len(g.children) {
		sum *= 1 + g.bonus
	}
	return g.boost * sum
}

func (g *group) explain() search.Explanation {
	e := search.Explanation{Value: g.score(), Message: string(g.op) + ", sum of:"}
	if g.op == search.OpBest {
		e.Message = string(g.op) + ", highest of:"
	}
	if g.bonus != 0 {
		e.Message = fmt.Sprintf("%s, times %g where all match", e.Message, 1+g.bonus)
	}
	if g.boost != 1 {
		e.Message = fmt.Sprintf("%s, times %g", e.Message, g.boost)
	}
	for i, c := range g.children {
		if g.matches(i) {
			e.Children = append(e.Children, c.explain())
		}
	}
	return e
}

func (g *group) close() { closeAll(g.children) }

// some matches where at least min children do.
type some struct{ group }

func (s *some) next(least uint64) (uint64, error) {
	for {
		lowest, n := uint64(end), 0
		for i := range s.children {
			at, err := s.reach(i, least)
			if err != nil {
				return end, err
			}
			switch {
			case at < lowest:
				lowest, n = at, 1
			case at == lowest:
				n++
			}
		}
		if lowest == end || n >= s.min {
			s.present = lowest
			return lowest, nil
		}
		least = lowest + 1
	}
}

// all matches where every child does.
type all struct{ group }

func (a *all) next(least uint64) (uint64, error) {
	agreed := 0
	for i := 0; agreed < len(a.children); i = (i + 1) % len(a.children) {
		at, err := a.reach(i, least)
		if err != nil || at == end {
			return end, err
		}
		if at > least {
			least, agreed = at, 0
		}
		agreed++
	}
	a.present = least
	return least, nil
}

// prefer matches where its first child does; the others only add to the score, and are looked at only for that.
type prefer struct {
	group
	most   []float64 // that the children from each one on can add; nil when that is not known
	needed float64   // a score that is below it needs not be exact
	err    error     // of looking at the others
}

// slack is more than what the order of additions can change.
const slack = 1e-9

func newPrefer(of group) *prefer {
	p := &prefer{group: of}
	most := make([]float64, len(of.children)+1)
	for i := len(of.children) - 1; i > 0; i-- {
		bounded, ok := of.children[i].(interface{ most() float64 })
		if !ok {
			return p
		}
		most[i] = most[i+1] + bounded.most()
	}
	if of.bonus == 0 {
		p.most = most
	}
	return p
}

func (p *prefer) next(least uint64) (uint64, error) {
	if p.err != nil {
		return end, p.err
	}
	at, err := p.reach(0, least)
	p.present = at
	return at, err
}

func (p *prefer) score() float64 {
	if p.most != nil {
		sum := p.children[0].score()
		for i := 1; i < len(p.children); i++ {
			if p.boost*(sum+p.most[i])*(1+slack) < p.needed {
				return p.boost * sum
			}
			if p.look(i); p.matches(i) {
				sum += p.children[i].score()
			}
		}
		return p.boost * sum
	}
	p.lookAtAll()
	return p.group.score()
}

// look moves a child to the present document, when it has that.
func (p *prefer) look(child int) {
	if _, err := p.reach(child, p.present); err != nil {
		p.err = err
	}
}

func (p *prefer) lookAtAll() {
	for i := 1; i < len(p.children); i++ {
		p.look(i)
	}
}

func (p *prefer) explain() search.Explanation {
	p.lookAtAll()
	return p.group.explain()
}
