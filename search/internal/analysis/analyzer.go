package analysis

// Analyzer has the choices of a schema; a nil one has none. Its methods may be called at the same time.
type Analyzer struct {
	Simplify bool                          // fold traditional characters to simplified ones
	Segment  func(run string) [][2]int     // byte ranges of the words in a folded run; nil: pairs of characters
	Romanize func(character rune) []string // readings, the usual one first; nil: no spellings
}
