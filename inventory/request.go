package inventory

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/seed82d84382/commerce/internal/pause"
)

// complete checks what all requests have, stamps the request and digests its arguments.
func (i *Inventory) complete(r Request, ttl time.Duration, err error) (Request, error) {
	err = firstError(checkKey("Key", r.Key), err, checkText("Reason", r.Reason), checkText("Reference", r.Reference))
	if err != nil {
		return r, err
	}
	r.Now = i.now()
	if ttl > 0 {
		r.Expires = r.Now.Add(ttl).Truncate(time.Microsecond)
	}
	r.Hash = r.digest(ttl)
	return r, nil
}

// digest is over all that the caller chose, each part prefixed by its length or of a fixed form, so that no two differ unseen.
func (r Request) digest(ttl time.Duration) [16]byte {
	b := make([]byte, 0, 128+48*(len(r.Lines)+len(r.Levels)))
	text := func(s string) {
		b = binary.AppendUvarint(b, uint64(len(s)))
		b = append(b, s...)
	}
	text(string(r.Kind))
	text(r.Reservation)
	text(r.Reason)
	text(r.Reference)
	b = binary.AppendVarint(b, int64(ttl))
	b = binary.AppendUvarint(b, uint64(len(r.Lines)))
	for _, line := range r.Lines {
		text(line.SKU)
		text(line.Location)
		b = binary.AppendVarint(b, line.Quantity)
	}
	b = binary.AppendUvarint(b, uint64(len(r.Levels)))
	for _, level := range r.Levels {
		text(level.SKU)
		text(level.Location)
		for _, v := range []int64{level.OnHand, level.SafetyStock, level.BackorderLimit, level.ReorderPoint} {
			b = binary.AppendVarint(b, v)
		}
	}
	if r.IfOnHand != nil {
		b = binary.AppendVarint(append(b, 1), *r.IfOnHand)
	}
	sum := sha256.Sum256(b)
	return [16]byte(sum[:])
}

// size estimates the bytes a request sends to a database.
func (r Request) size() int {
	fixed := 64 + len(r.Key) + len(r.Reservation)
	line := 64 + len(r.Key) + len(r.Reason) + len(r.Reference)
	n := fixed
	for _, l := range r.Lines {
		n += line + 2*(len(l.SKU)+len(l.Location))
	}
	for _, l := range r.Levels {
		n += line + 2*(len(l.SKU)+len(l.Location)) + 32
	}
	return n
}

// mutate carries out one request; err is what its preparation said.
func (i *Inventory) mutate(ctx context.Context, r Request, err error) (Result, error) {
	return i.answer(ctx, r, err, func(ctx context.Context) (Result, error) {
		if i.group != nil {
			return i.group.do(ctx, r)
		}
		if err := ctx.Err(); err != nil {
			return Result{}, err
		}
		bounded, cancel := context.WithTimeout(ctx, i.options.Timeout)
		defer cancel()
		results, err := i.apply(bounded, r)
		if err != nil {
			return Result{}, err
		}
		return results[0], nil
	})
}

func (i *Inventory) mutateTx(ctx context.Context, tx *sql.Tx, r Request, err error) (Result, error) {
	driver, ok := i.driver.(TxDriver)
	if !ok {
		return Result{}, wrap(string(r.Kind), fmt.Errorf("this backend cannot join a transaction: %w", errors.ErrUnsupported))
	}
	if err == nil && tx == nil {
		err = invalid("tx", "is nil")
	}
	return i.answer(ctx, r, err, func(ctx context.Context) (Result, error) {
		results, err := driver.ApplyTx(ctx, tx, []Request{r})
		if err != nil {
			return Result{}, err
		}
		results[0].Changes = nil // no events: the transaction may still be rolled back
		return results[0], nil
	})
}

// answer does what all mutations need around the driver's work.
func (i *Inventory) answer(ctx context.Context, r Request, err error, work func(context.Context) (Result, error)) (Result, error) {
	if err != nil {
		return Result{}, wrap(string(r.Kind), err)
	}
	return observe(ctx, i, string(r.Kind), func(ctx context.Context) (Result, error) {
		result, err := work(ctx)
		if err == nil {
			err = result.Err
		}
		if err != nil {
			return Result{}, err
		}
		i.publish(ctx, result.Changes)
		result.Reservation = result.Reservation.asOf(i.now())
		return result, nil
	})
}

// apply carries out requests in one transaction. An unknown outcome is asked again under the requests' keys, which finds
// the first answers if there are some and does the work if there are none.
func (i *Inventory) apply(ctx context.Context, requests ...Request) ([]Result, error) {
	results, err := i.applySafely(ctx, requests)
	if !errors.Is(err, ErrOutcomeUnknown) {
		return results, err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), i.options.Timeout)
	defer cancel()
	for attempt := range 5 {
		if pause.For(ctx, 10*time.Millisecond<<(2*attempt)) != nil {
			break
		}
		if again, failure := i.applySafely(ctx, requests); failure == nil {
			return again, nil
		}
	}
	return results, err
}

// panicError is a panic of the driver. Of the outcome nothing is known then.
type panicError struct{ cause any }

func (e *panicError) Error() string {
	return fmt.Sprintf("%v: driver panicked: %v", ErrOutcomeUnknown, e.cause)
}
func (e *panicError) Is(target error) bool { return target == ErrOutcomeUnknown }

func (i *Inventory) applySafely(ctx context.Context, requests []Request) (results []Result, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			results, err = nil, &panicError{cause: cause}
		}
	}()
	results, err = i.driver.Apply(ctx, requests)
	if err == nil && len(results) != len(requests) {
		return nil, fmt.Errorf("%w: driver gave %d results for %d requests", ErrOutcomeUnknown, len(results), len(requests))
	}
	return results, err
}
