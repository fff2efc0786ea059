package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTable(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	require.NoError(t, run(strings.NewReader("# Unicode version: 15.0.0\nU+5F8C\tkSimplifiedVariant\tU+540E\nU+540E\tkTraditionalVariant\tU+540E U+5F8C\n"+
		"U+4E7E\tkSimplifiedVariant\tU+4E7E U+5E72\nU+5E79\tkSimplifiedVariant\tU+5E72\nU+88E1\tkSimplifiedVariant\tU+91CC\n"+
		"U+88CF\tkSemanticVariant\tU+88E1<kMatthews,kMeyerWempe\nU+8AAA\tkSimplifiedVariant\tU+8BF4\nU+8AAC\tkZVariant\tU+8AAA\n"+
		"U+85B4\tkSimplifiedVariant\tU+82E7\nU+82E7\tkSimplifiedVariant\tU+82CE\nU+4336\tkSimplifiedVariant\tU+26216\n"), &out))
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	require.Contains(t, lines[1], "Unicode 15.0.0")
	require.Equal(t, []string{"后後", "干乾幹", "苎苧薴", "说說説", "里裏裡"}, lines[2:])

	require.Error(t, run(strings.NewReader("U+XYZ\tkSimplifiedVariant\tU+540E\n"), &out))
	require.Error(t, run(strings.NewReader("U+540E\tkSimplifiedVariant\tU+\n"), &out))
}
