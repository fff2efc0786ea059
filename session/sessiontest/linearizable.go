package sessiontest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
	"github.com/stretchr/testify/require"

	"github.com/seed82d84382/commerce/session"
)

// One record as a register: a version, 0 while it is absent. Versions begin at
// 1 again when it is created again.
type registerInput struct {
	op      string
	version int64
}

type registerOutput struct {
	version int64 // what Load saw
	verdict error // nil or one of the driver's sentinels
}

var register = porcupine.Model{
	Init: func() any { return int64(0) },
	Step: func(state, input, output any) (bool, any) {
		stored, in, out := state.(int64), input.(registerInput), output.(registerOutput)
		switch in.op {
		case "load":
			if stored == 0 {
				return out.verdict == session.ErrNotFound, stored
			}
			return out.verdict == nil && out.version == stored, stored
		case "create":
			if stored != 0 {
				return out.verdict == session.ErrExists, stored
			}
			return out.verdict == nil, int64(1)
		case "delete":
			return out.verdict == nil, int64(0)
		}
		changed := stored
		if in.op == "save" {
			changed++
		}
		switch stored { // save, touch
		case 0:
			return out.verdict == session.ErrNotFound, stored
		case in.version:
			return out.verdict == nil, changed
		}
		return out.verdict == session.ErrConflict, stored
	},
	DescribeOperation: func(input, output any) string { return fmt.Sprintf("%v → %v", input, output) },
}

// driverLinearizable lets clients change one record at once and asks whether
// some order of their operations explains every answer.
func driverLinearizable(t *testing.T, h Harness) {
	d, peer := h.drivers(t)
	start := time.Now()
	var mu sync.Mutex
	var history []porcupine.Operation
	parallel(t, 4, func(client int) error {
		mine := []session.Driver{d, peer}[client%2]
		random := rand.New(rand.NewPCG(uint64(client), 2026))
		r := newRecord("register", "user")
		for range 30 {
			in := registerInput{op: []string{"load", "load", "create", "save", "save", "touch", "delete"}[random.IntN(7)], version: r.Version}
			call := time.Since(start).Nanoseconds()
			var out registerOutput
			var err error
			switch in.op {
			case "load":
				var loaded session.Record
				loaded, err = mine.Load(t.Context(), r.ID)
				if err == nil {
					r.Version, out.version = loaded.Version, loaded.Version
				}
			case "create":
				err = mine.Create(t.Context(), r)
			case "save":
				err = mine.Save(t.Context(), r, r)
			case "touch":
				err = mine.Touch(t.Context(), r)
			case "delete":
				err = mine.Delete(t.Context(), r.ID)
			}
			done := time.Since(start).Nanoseconds()
			for _, sentinel := range []error{session.ErrNotFound, session.ErrExists, session.ErrConflict} {
				if errors.Is(err, sentinel) {
					out.verdict = sentinel
				}
			}
			if err != nil && out.verdict == nil {
				return err
			}
			mu.Lock()
			history = append(history, porcupine.Operation{ClientId: client, Input: in, Call: call, Output: out, Return: done})
			mu.Unlock()
		}
		return nil
	})
	result := porcupine.CheckOperationsTimeout(register, history, 20*time.Second)
	require.Equal(t, porcupine.Ok, result)
}
