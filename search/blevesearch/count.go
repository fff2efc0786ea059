package blevesearch

import (
	"slices"
	"strconv"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/seed82d84382/commerce/search"
)

// count returns how many documents of matched pass a filter; nil lets all of them pass.
func count(matched, filter *roaring.Bitmap) int {
	if filter == nil {
		return int(matched.GetCardinality())
	}
	return int(matched.AndCardinality(filter))
}

// total returns how many documents match a node. It is remembered until the index changes, as completions are.
func (sn *snapshot) total(n search.Node) (int, error) {
	name := string(appendName(nil, n))
	sn.mu.Lock()
	known, ok := sn.totals[name]
	sn.mu.Unlock()
	if ok {
		return known, nil
	}
	matched, err := sn.matching(n)
	if err != nil {
		return 0, err
	}
	found := count(matched, nil)
	sn.mu.Lock()
	defer sn.mu.Unlock()
	if len(sn.totals) < maxRemembered && len(name) < maxName {
		sn.totals[name] = found
	}
	return found, nil
}

// maxName is the longest name of a node that is remembered.
const maxName = 4096

// appendName writes a text that only nodes which match the same documents have.
func appendName(to []byte, n search.Node) []byte {
	to = append(append(to, n.Op...), n.Field...)
	for _, t := range n.Terms {
		to = strconv.AppendQuote(to, t)
	}
	if n.Op == search.OpAny {
		to = strconv.AppendInt(to, int64(n.Min), 10)
	}
	nodes := n.Nodes
	if n.Op == search.OpPrefer || n.Op == search.OpScale {
		nodes = nodes[:1]
	}
	to = append(to, '(')
	for _, child := range nodes {
		to = appendName(to, child)
	}
	return append(to, ')')
}

// matching returns all documents that match a node, where scores and order are not wanted. The
// set is shared: it must not be changed.
func (sn *snapshot) matching(n search.Node) (*roaring.Bitmap, error) {
	switch n.Op {
	case search.OpTerm:
		if slices.Contains(sn.store.layout.packing.own, n.Field) {
			return sn.walked(n)
		}
		return sn.bitmap(n.Field, n.Terms[0])
	case search.OpEverything:
		return sn.live, nil
	case search.OpPrefix:
		return sn.prefix(n.Field, n.Terms[0])
	case search.OpIDs:
		return sn.ids(n.Terms)
	case search.OpPrefer, search.OpScale: // what else there is only scores
		return sn.matching(n.Nodes[0])
	case search.OpBest:
		return sn.combine(n.Nodes, roaring.FastOr)
	case search.OpAll:
		return sn.combine(n.Nodes, roaring.FastAnd)
	case search.OpAny:
		switch {
		case n.Min <= 1:
			return sn.combine(n.Nodes, roaring.FastOr)
		case n.Min == len(n.Nodes):
			return sn.combine(n.Nodes, roaring.FastAnd)
		}
	}
	return sn.walked(n)
}

func (sn *snapshot) combine(nodes []search.Node, how func(...*roaring.Bitmap) *roaring.Bitmap) (*roaring.Bitmap, error) {
	sets := make([]*roaring.Bitmap, len(nodes))
	for i, n := range nodes {
		var err error
		if sets[i], err = sn.matching(n); err != nil {
			return nil, err
		}
	}
	if len(sets) == 1 {
		return sets[0], nil
	}
	return how(sets...), nil
}

// walked finds the documents one by one.
func (sn *snapshot) walked(n search.Node) (*roaring.Bitmap, error) {
	m, err := sn.matcher(n)
	if err != nil {
		return nil, err
	}
	defer m.close()
	found := roaring.New()
	for looked, least := 0, uint64(0); ; looked++ {
		if looked%checkEvery == 0 && sn.ctx.Err() != nil {
			return nil, sn.ctx.Err()
		}
		doc, err := m.next(least)
		if err != nil || doc == end {
			return found, err
		}
		found.Add(uint32(doc))
		least = doc + 1
	}
}
