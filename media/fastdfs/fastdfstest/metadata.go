package fastdfstest

import (
	"bytes"
	"slices"
	"strings"
)

type record struct{ name, value string }

// splitRecords reads records as the servers do: too long ones are cut, those without a value are left out.
func splitRecords(b []byte) (records []record) {
	for part := range bytes.SplitSeq(b, []byte{1}) {
		name, value, found := bytes.Cut(part, []byte{2})
		if found {
			records = append(records, record{cut(name[:min(len(name), 64)]), cut(value[:min(len(value), 256)])})
		}
	}
	return records
}

func packRecords(records []record) []byte {
	var b bytes.Buffer
	for i, r := range records {
		if i > 0 {
			b.WriteByte(1)
		}
		b.WriteString(r.name + "\x02" + r.value)
	}
	return b.Bytes()
}

func sortRecords(records []record) []record {
	slices.SortStableFunc(records, func(a, b record) int { return strings.Compare(a.name, b.name) })
	return records
}

// sortedInPlace does as the servers do: the sorted records are written over the old ones, with a NUL behind, but the length
// stays. So what has been cut leaves its tail behind.
func sortedInPlace(b []byte) []byte {
	kept := bytes.Clone(b)
	records := sortRecords(splitRecords(b))
	if len(records) == 0 {
		return kept
	}
	if n := copy(kept, packRecords(records)); n < len(kept) {
		kept[n] = 0
	}
	return kept
}

// mergeRecords replaces by name and adds the others.
func mergeRecords(old, added []record) []record {
	merged := slices.DeleteFunc(slices.Clone(old), func(r record) bool {
		return slices.ContainsFunc(added, func(a record) bool { return a.name == r.name })
	})
	return sortRecords(append(merged, added...))
}
