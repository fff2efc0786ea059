package elasticsearch

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/seed82d84382/commerce/internal/pause"
	"github.com/seed82d84382/commerce/search"
)

const (
	previousSuffix = "-previous" // the alias of what the last rebuild replaced
	fillingSuffix  = "-filling"  // behind an index's name: the alias it is filled through
	createTries    = 10          // while others make indexes at the same time
)

// generationPattern is what stands behind the alias in the name of an index.
var generationPattern = regexp.MustCompile(`^-[0-9a-f]{8}-([0-9]{6,18})-[a-z2-7]{6}$`)

// physical is an index of ours.
type physical struct {
	name    string
	number  int
	aliases []string
}

func (p physical) has(alias string) bool { return slices.Contains(p.aliases, alias) }

func (d *driver) previous() string { return d.name + previousSuffix }

// indexes lists the generations there are.
func (d *driver) indexes(ctx context.Context) ([]physical, error) {
	var answer map[string]struct {
		Aliases map[string]struct{} `json:"aliases"`
	}
	err := d.client.json(ctx, call{method: http.MethodGet, path: "/" + d.name + "-*/_alias?expand_wildcards=all", write: true}, nil, &answer)
	if err != nil {
		return nil, err
	}
	var list []physical
	for name, index := range answer {
		match := generationPattern.FindStringSubmatch(name[min(len(d.name), len(name)):])
		if match == nil {
			continue
		}
		number, err := strconv.Atoi(match[1])
		if err != nil {
			continue
		}
		p := physical{name: name, number: number}
		for alias := range index.Aliases {
			p.aliases = append(p.aliases, alias)
		}
		list = append(list, p)
	}
	return list, nil
}

// live returns the index behind the alias; its name is "" when there is none.
func (d *driver) live(ctx context.Context) (physical, error) {
	var answer map[string]struct{}
	err := d.client.json(ctx, call{method: http.MethodGet, path: "/_alias/" + d.name, write: true}, nil, &answer)
	if isStatus(err, http.StatusNotFound) {
		return physical{}, nil
	}
	if err != nil {
		return physical{}, err
	}
	if len(answer) != 1 {
		return physical{}, invalid("address", fmt.Sprintf("names an alias of %d indexes", len(answer)))
	}
	for name := range answer {
		if len(name) <= len(d.name) || name[:len(d.name)] != d.name || !generationPattern.MatchString(name[len(d.name):]) {
			return physical{}, invalid("address", "names an alias that is not one of this package")
		}
		return physical{name: name, aliases: []string{d.name}}, nil
	}
	return physical{}, nil
}

// openLive finds the live index, or makes the first one. stale means that it was
// built with another schema, or by an earlier version.
func (d *driver) openLive(ctx context.Context) (stale bool, err error) {
	var refused error
	for range createTries {
		live, err := d.live(ctx)
		if err != nil {
			return false, err
		}
		if live.name != "" {
			m, err := d.meta(ctx, live.name)
			return err == nil && !m.usable(d), err
		}
		_, err = d.create(ctx, func(string) string { return d.name }, false, false)
		switch {
		case err == nil:
			return false, nil
		case isType(err, "invalid_alias_name_exception", "invalid_index_name_exception"):
			return false, invalid("address", "names an index that is there already and is not one of this package")
		case !isType(err, "illegal_state_exception", "illegal_argument_exception"):
			return false, err
		}
		// Another process was faster, perhaps with another schema: look again.
		refused = err
		if err := pause.For(ctx, firstBackoff); err != nil {
			return false, err
		}
	}
	return false, fmt.Errorf("search: make index: %w", refused)
}

// meta reads what an index says of itself.
func (d *driver) meta(ctx context.Context, index string) (meta, error) {
	var answer map[string]struct {
		Mappings struct {
			Meta meta `json:"_meta"`
		} `json:"mappings"`
	}
	err := d.client.json(ctx, call{method: http.MethodGet, path: "/" + index + "/_mapping?filter_path=*.mappings._meta", write: true}, nil, &answer)
	if err != nil {
		return meta{}, err
	}
	m := answer[index].Mappings.Meta
	if m.Format > format {
		return m, fmt.Errorf("%w: it has format %d of a newer version", search.ErrSchema, m.Format)
	}
	return m, nil
}

// create makes the generation after all there are, with one alias.
func (d *driver) create(ctx context.Context, alias func(index string) string, filling, resumable bool) (string, error) {
	list, err := d.indexes(ctx)
	if err != nil {
		return "", err
	}
	last := 0
	for _, p := range list {
		last = max(last, p.number)
	}
	// The end makes the name one of its own: who removes an index that is no longer
	// there must not meet a newer one.
	name := fmt.Sprintf("%s-%s-%06d-%s", d.name, d.print, last+1, strings.ToLower(rand.Text()[:6]))
	again := false
	body := object{
		"settings": object{"index": d.settings(filling)},
		"mappings": d.mappings(resumable),
		// Two indexes cannot both be the one that an alias writes to: of two
		// processes that make the first index only one succeeds.
		"aliases": object{alias(name): object{"is_write_index": true}},
	}
	err = d.client.json(ctx, call{method: http.MethodPut, path: "/" + name, write: true, resent: func() { again = true }}, body, nil)
	if again && isType(err, "resource_already_exists_exception") {
		err = nil // it was this request, whose answer was lost
	}
	return name, err
}

// remove deletes an index. It is no error when it is gone.
func (d *driver) remove(ctx context.Context, index string) error {
	err := d.client.json(ctx, call{method: http.MethodDelete, path: "/" + index, write: true}, nil, nil)
	if isStatus(err, http.StatusNotFound) {
		return nil
	}
	return err
}

// turn makes an index the live one, in one step together with other changes of
// aliases. A lost answer is looked up: the change cannot be made twice.
func (d *driver) turn(ctx context.Context, index string, actions []any) error {
	actions = append(actions, object{"add": object{"index": index, "alias": d.name, "is_write_index": true}})
	err := d.client.json(ctx, call{method: http.MethodPost, path: "/_aliases", write: true}, object{"actions": actions}, nil)
	if err == nil {
		return nil
	}
	live, looked := d.live(ctx)
	if looked == nil && live.name == index {
		return nil
	}
	return errors.Join(err, looked)
}
