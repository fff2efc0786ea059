package search

import (
	"context"
	"iter"
	"time"
)

// Driver is what an engine does for an [Index]. The Index has checked, analysed
// and bounded everything before: a driver compares terms, counts and sorts, and
// never sees a user's text. All methods may be called at the same time.
type Driver interface {
	// Write applies ops in order; each ID appears once. When it returns nil,
	// everything is durable, and, with visible, found by every later Search.
	// Documents that were refused are named in a [*BatchError]; an op whose
	// version is not above the stored one is refused with [ErrConflict].
	// Deleting what is not there is no error.
	Write(ctx context.Context, ops []Op, visible bool) error

	// Search answers requests, all from the same state of the index where the
	// engine can. Responses come in the order of the requests.
	Search(ctx context.Context, requests []Request) ([]Response, error)

	// Get returns the stored entries of the IDs that exist, in any order.
	Get(ctx context.Context, ids []string) ([]Stored, error)

	// Terms looks terms up in the index's own dictionary.
	Terms(ctx context.Context, request TermsRequest) ([]Term, error)

	// Count returns the number of documents.
	Count(ctx context.Context) (int, error)

	// Close releases the engine. It is called once.
	Close() error
}

// Rebuilder is the ability to fill a new index beside the live one.
type Rebuilder interface {
	// Begin makes an empty generation that no search sees; one that was left
	// behind is thrown away. With resumable, which only a [Resumer] is asked for, the
	// generation stays after a failure, a crash and a Close, until the next Begin or its Discard. One
	// without it goes with the process, at the next opening at the latest.
	Begin(ctx context.Context, resumable bool) (Generation, error)
}

// Resumer is the ability to go on with a generation that was begun before a
// failure, or before the process ended. Its resumable generations are [Resumable].
type Resumer interface {
	// Resume returns the unfinished generation of that name, or [ErrNotFound].
	Resume(ctx context.Context, name string) (Generation, error)
}

// Generation is an index being filled.
type Generation interface {
	// Write is as [Driver.Write].
	Write(ctx context.Context, ops []Op, visible bool) error
	// Count returns the number of documents written so far, whether visible or not.
	Count(ctx context.Context) (int, error)
	// Get is as [Driver.Get], of the generation. What was written is found, visible or not.
	Get(ctx context.Context, ids []string) ([]Stored, error)
	// Promote makes the generation the live one, atomically and durably. The
	// old one is removed, or kept for Rollback when keep is set.
	Promote(ctx context.Context, keep bool) error
	// Discard removes the generation. It is a no-op after Promote.
	Discard(ctx context.Context) error
}

// Resumable is a [Generation] that can be left and taken up again.
type Resumable interface {
	// Name is what [Resumer.Resume] knows the generation by.
	Name() string
	// Entries yields all that was written: documents, and the marks that deletes
	// left (see [Op.Changed]).
	Entries(ctx context.Context) iter.Seq2[GenerationEntry, error]
	// Leave ends the use of the generation for now, and keeps what it has.
	Leave(ctx context.Context) error
}

// GenerationEntry is what a [Resumable] generation holds of an ID.
type GenerationEntry struct {
	ID      string
	Deleted bool // the mark of a delete, no document
	Changed bool // last written by an op with Changed
}

// Keeper is the ability to keep the index's settings (synonyms, rules, signals,
// positions of feeds) with its documents.
type Keeper interface {
	// Keep stores a value under a name, in the place of an earlier one, atomically
	// and durably; a nil value removes it. Names are made of a-z, 0-9, "-" and ":", at most 100 bytes; values
	// have up to 8 MiB. Rebuilds and rollbacks leave all of them as they are.
	Keep(ctx context.Context, name string, value []byte) error
	// Kept returns all values by name, as the last Keep of any process left them.
	Kept(ctx context.Context) (map[string][]byte, error)
}

// Backuper is the ability to copy an index while it is in use.
type Backuper interface {
	// Backup writes the index as it is at one moment to dir, which is empty or
	// not there, durably. How to open a copy is the backend's.
	Backup(ctx context.Context, dir string) error
}

// Rollbacker is the ability to return to the generation that the last rebuild kept.
type Rollbacker interface {
	// Rollback makes the kept generation live. [ErrNotFound] when none was kept.
	Rollback(ctx context.Context) error
}

// Refresher is the ability to make all acknowledged writes visible at once. An
// engine whose writes always are does not have it.
type Refresher interface {
	Refresh(ctx context.Context) error
}

// The engine's own fields. Schema fields never begin with "_".
const (
	FieldText    = "_text"    // terms of all weighted fields, each counted Weight times
	FieldChars   = "_chars"   // single characters of Chinese, Japanese and Korean text
	FieldWords   = "_words"   // words as written, for corrections
	FieldPhrases = "_phrases" // words and word pairs, for completions
	FieldStarts  = "_starts"  // the first characters of phrases, up to MaxStart
	FieldPresent = "_present" // names of the fields that the document has
	FieldGroup   = "_group"   // the variant group, one value a document; hits can be collapsed by it
	FieldOwn     = "_own."    // begins the names of the fields that hold one field's terms, see TextRun.Field
)

// MaxStart is the length in characters of the longest start in FieldStarts. A
// prefix as short begins too many phrases to look at them all while somebody
// types: an engine may look for it in FieldStarts instead.
const MaxStart = 3

// Op is one write: an Entry, or with a nil Entry the removal of a document.
type Op struct {
	ID      string
	Version int64 // 0: none
	Entry   *Entry
	// Changed is set when a [Generation] is given a change of a caller rather than a
	// document of the source. A [Resumable] one remembers that with the document; a
	// delete it remembers by a mark that is no document, and that only Entries shows.
	Changed bool
}

// Entry is a document ready to be indexed.
type Entry struct {
	// Source is the JSON of the stored fields; engines keep and return it as it is.
	Source []byte
	// Texts goes to FieldText and FieldChars. Each term of a run counts Weight times in
	// term frequency and field length. Positions within a run are consecutive; two runs are far apart.
	Texts []TextRun
	// Values are the exact values by field: string, float64, bool or time.Time,
	// each once. A category holds its ancestors too.
	Values map[string][]any
	// Words, Phrases, Starts and Present go to their fields, each term once.
	Words, Phrases, Starts, Present []string
	// Group is the one value of FieldGroup; never empty.
	Group string
}

// TextRun is the analysed text of one value.
type TextRun struct {
	Weight int
	Terms  []string
	Chars  []string
	// Field, when it is set, is another engine field that holds Terms, each counted once in
	// frequency and length. It needs no positions. Several runs of a document may name the same one.
	Field string
}

// Stored is what an engine returns of a document.
type Stored struct {
	ID      string
	Version int64
	Source  []byte
}

// NodeOp says what a [Node] matches.
type NodeOp string

// The operations of a query tree.
const (
	OpEverything NodeOp = "everything" // every document, scored Boost
	OpTerm       NodeOp = "term"       // Terms[0] in Field, scored by BM25, see below
	OpPhrase     NodeOp = "phrase"     // Terms next to each other in Field; BM25 of the phrase, its idf the sum of the terms'
	OpPrefix     NodeOp = "prefix"     // a term in Field that begins with Terms[0], scored Boost
	OpIDs        NodeOp = "ids"        // documents whose ID is in Terms, scored Boost
	OpAll        NodeOp = "all"        // all of Nodes; scores are added
	OpAny        NodeOp = "any"        // at least Min of Nodes; scores are added, and multiplied by 1 + Bonus where all match
	OpBest       NodeOp = "best"       // at least one of Nodes; the highest score counts
	OpPrefer     NodeOp = "prefer"     // Nodes[0]; those of the other Nodes that match add their scores
	OpScale      NodeOp = "scale"      // Nodes[0]; its score is multiplied by each of Factors that applies
)

// BM25 is as Lucene has it, so that engines agree: k1 1.2, b 0.75, idf = ln(1 + (N - n + 0.5)/(n + 0.5)) for n of
// the N documents that have the field, tf = f / (f + k1 × (1 - b + b × length/average)). The average is
// that of the documents that have the field; a document's own length is rounded
// down as Lucene's SmallFloat.intToByte4 does (exact up to 40).

// Node is a query tree. Boost multiplies the score of the whole node.
type Node struct {
	Op    NodeOp   `json:"op"`
	Field string   `json:"field,omitempty"`
	Terms []string `json:"terms,omitempty"`
	Nodes []Node   `json:"nodes,omitempty"`
	Min   int      `json:"min,omitempty"`
	Bonus float64  `json:"bonus,omitempty"` // of OpAny
	Boost float64  `json:"boost"`

	Factors []Factor `json:"factors,omitempty"` // of OpScale, at most 64
}

// Factor multiplies a score: by Times, when Field is empty and the document passes
// Filters (all of them), or else by 1 + Weight × s, where s is between 0 and 1:
//
//   - Field is a Number: s = v / (v + Pivot) for a value v above 0, or else 0;
//   - Field is a Date: s = Pivot / (Pivot + age), where age is the milliseconds from the value to Now,
//     or 0 for a value after Now.
//
// Of several values the greatest counts. s is 0 for a document without the field.
type Factor struct {
	Filters []Filter `json:"filters,omitempty"`
	Times   float64  `json:"times,omitempty"`

	Field  string    `json:"field,omitempty"` // with Sort in the schema
	Kind   Kind      `json:"kind,omitempty"`
	Weight float64   `json:"weight,omitempty"` // above -1
	Pivot  float64   `json:"pivot,omitempty"`  // above 0
	Now    time.Time `json:"now,omitzero"`
}

// Request is one search. Filters do not score.
type Request struct {
	Query   Node
	Filters []Filter // all must hold
	Facets  []FacetRequest

	// Collapse lists of the documents with the same [FieldGroup] only the first one in the
	// order of Sort. Totals and facets count documents as without it. After is never set with it.
	Collapse bool

	// Sort is never empty and always ends in [ByID], so that the order is total.
	Sort []Sort
	// After, when set, is the Position of the hit before the first one wanted; Offset is 0 then.
	After  []string
	Offset int
	Limit  int // 0: only totals and facets

	Source  bool // return Source
	Explain bool
}

// FacetRequest counts, among the documents that match the Request's Query and
// these Filters (not the Request's), the values of Field.
type FacetRequest struct {
	Field    string
	Kind     Kind
	Filters  []Filter
	Size     int      // the most frequent values, equal counts in ascending order of value
	Include  []string // counted too, and listed even when none has them
	Contains string   // folded; only values that [FacetRequest.Holds]
	Simplify bool     // Contains has simplified characters, see [Schema]
	Parent   string   // category: only the direct children of this path; "" the roots
	Ranges   []Bounds // when set, counts of these instead of values
}

// Response answers a [Request].
type Response struct {
	Total  int // all matching documents, exact
	Groups int // with Collapse: different groups among them
	Hits   []DriverHit
	Facets []FacetResponse
}

// DriverHit is one found document.
type DriverHit struct {
	ID       string
	Score    float64
	Position []string // the values of the sort keys, for Request.After; opaque to the Index
	Source   []byte
	Variants int // with Collapse: matching documents of the hit's group, itself among them
	Explain  *Explanation
}

// FacetResponse answers a [FacetRequest].
type FacetResponse struct {
	Values   []ValueCount
	Ranges   []int // documents in each of the request's Ranges
	Distinct int   // number of different values, within Contains and Parent
	Missing  int   // documents without the field
	Min, Max *float64
}

// ValueCount is a value and the number of documents that have it. Numbers are
// written as strconv's 'g' with the fewest digits, booleans as true and false.
type ValueCount struct {
	Value string
	Count int
}

// TermsRequest looks up terms of one of the engine's fields: those listed in Exact, or
// those that begin with Prefix, or those within Distance of Near.
type TermsRequest struct {
	Field    string
	Exact    []string
	Prefix   string
	Near     string
	Distance int // Levenshtein: insertions, deletions, substitutions; at most 2
	Limit    int // the most frequent ones; equal counts in ascending order of text
}

// Term is a dictionary entry.
type Term struct {
	Text  string
	Count int // documents that hold it
}

// Explanation says how a score came about.
type Explanation struct {
	Value    float64       `json:"value"`
	Message  string        `json:"message"`
	Children []Explanation `json:"children,omitempty"`
}
