package search

import (
	"context"
	"encoding/json"
	"fmt"
	"time"
)

// The names under which a [Keeper] keeps what can be set.
const (
	keptSynonyms = "synonyms"
	keptRules    = "rules"
	keptSignals  = "signals"
)

const (
	maxKept     = 8 << 20          // bytes of one kept value
	loadTimeout = 30 * time.Second // of New, which has no context
)

// SetSynonyms replaces all synonyms, for every later query of this Index. It does not
// touch the documents. Engines that can keep settings with the index (Bleve and Elasticsearch
// do) keep them: they are there after a restart, and count more than [Options.Synonyms].
// Other processes see them after [Index.Reload].
func (ix *Index) SetSynonyms(ctx context.Context, synonyms ...Synonym) error {
	set, err := ix.schema.newSynonymSet(synonyms)
	if err != nil {
		return err
	}
	return ix.set(ctx, keptSynonyms, synonyms, func() { ix.synonyms.Store(set) })
}

// SetRules replaces all rules, for every later query. They are kept as synonyms are.
func (ix *Index) SetRules(ctx context.Context, rules ...Rule) error {
	checked, err := ix.checkRules(rules)
	if err != nil {
		return err
	}
	return ix.set(ctx, keptRules, rules, func() { ix.rules.Store(&checked) })
}

// SetSignals replaces all signals, for every later query. They are kept as synonyms are.
func (ix *Index) SetSignals(ctx context.Context, signals ...Signal) error {
	if err := ix.checkSignals(signals); err != nil {
		return err
	}
	return ix.set(ctx, keptSignals, signals, func() { ix.signals.Store(&signals) })
}

// Rules returns the rules that count, with their texts and values as the index compares them.
func (ix *Index) Rules() []Rule { return append([]Rule(nil), *ix.rules.Load()...) }

// Synonyms returns the synonyms that count.
func (ix *Index) Synonyms() []Synonym { return append([]Synonym(nil), ix.synonyms.Load().given...) }

// Signals returns the signals that count.
func (ix *Index) Signals() []Signal { return append([]Signal(nil), *ix.signals.Load()...) }

// set keeps a setting, and makes it count once it is kept.
func (ix *Index) set(ctx context.Context, name string, value any, use func()) error {
	done, err := ix.begin()
	if err != nil {
		return err
	}
	defer done()
	ctx, end := ix.options.start(ctx, "search.set")
	ix.settings.Lock() // what two callers set must be kept and used in the same order
	defer ix.settings.Unlock()
	if err = ix.keep(ctx, name, value); err == nil {
		use()
	}
	end(err)
	return err
}

func (ix *Index) keep(ctx context.Context, name string, value any) error {
	keeper, ok := ix.driver.(Keeper)
	if !ok {
		return nil
	}
	text, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("search: encode %s: %w", name, err)
	}
	if len(text) > maxKept {
		return invalid(name, "take %d bytes, more than %d", len(text), maxKept)
	}
	if err := keeper.Keep(ctx, name, text); err != nil {
		return fmt.Errorf("search: keep %s: %w", name, err)
	}
	return nil
}

// Reload reads the kept synonyms, rules and signals again: another process may
// have set them.
func (ix *Index) Reload(ctx context.Context) error {
	done, err := ix.begin()
	if err != nil {
		return err
	}
	defer done()
	ctx, end := ix.options.start(ctx, "search.reload")
	ix.settings.Lock()
	defer ix.settings.Unlock()
	kept, err := ix.kept(ctx)
	if err == nil {
		err = ix.use(ctx, kept)
	}
	end(err)
	return err
}

// use puts the kept settings in use, and the options' where none are kept. What no longer
// fits the schema is left out with a warning, because searches must go on.
func (ix *Index) use(ctx context.Context, kept map[string][]byte) error {
	synonyms := ix.options.Synonyms
	if err := decodeKept(kept, keptSynonyms, &synonyms); err != nil {
		return err
	}
	set, err := ix.schema.newSynonymSet(synonyms)
	if err != nil {
		return err
	}
	rules, isKept := ix.options.Rules, kept[keptRules] != nil
	if err := decodeKept(kept, keptRules, &rules); err != nil {
		return err
	}
	checked, err := ix.checkRules(rules)
	if err != nil && isKept {
		checked, err = ix.fittingRules(ctx, rules), nil
	}
	if err != nil {
		return err
	}
	signals, isKept := ix.options.Signals, kept[keptSignals] != nil
	if err := decodeKept(kept, keptSignals, &signals); err != nil {
		return err
	}
	if err := ix.checkSignals(signals); err != nil {
		if !isKept {
			return err
		}
		ix.options.Logger.WarnContext(ctx, "search: kept signals do not fit the schema", "error", err)
		signals = nil
	}
	ix.synonyms.Store(set)
	ix.rules.Store(&checked)
	ix.signals.Store(&signals)
	return nil
}

func (ix *Index) kept(ctx context.Context) (map[string][]byte, error) {
	keeper, ok := ix.driver.(Keeper)
	if !ok {
		return nil, nil
	}
	kept, err := keeper.Kept(ctx)
	if err != nil {
		return nil, fmt.Errorf("search: read settings: %w", err)
	}
	return kept, nil
}

func decodeKept[T any](kept map[string][]byte, name string, to *[]T) error {
	text := kept[name]
	if text == nil {
		return nil
	}
	*to = nil
	if err := json.Unmarshal(text, to); err != nil {
		return fmt.Errorf("search: read kept %s: %w", name, err)
	}
	return nil
}

func (ix *Index) fittingRules(ctx context.Context, rules []Rule) []Rule {
	var fitting []Rule
	for _, r := range rules {
		checked, err := ix.checkRules([]Rule{r})
		if err != nil {
			ix.options.Logger.WarnContext(ctx, "search: a kept rule does not fit the schema", "rule", r.Name, "error", err)
			continue
		}
		fitting = append(fitting, checked...)
	}
	return fitting
}
