package notify

import (
	"context"
	"encoding/json"
)

// uniqueClaim is who holds a unique key, for backends that cannot refuse duplicates themselves.
type uniqueClaim struct {
	ID string `json:"id"`
}

// storeUnique claims the keys in the shared values, publishes what it could claim, and
// then holds the claims for their whole windows. A process that dies in between
// leaves a claim that ends by itself soon, so that the job can be enqueued again.
func (c *Client) storeUnique(ctx context.Context, ids []string, envelopes []*Envelope) ([]string, error) {
	state := c.queue.state()
	var stored []*Envelope
	var claimed []StateChange
	for i, e := range envelopes {
		if e.UniqueKey == "" {
			stored = append(stored, e)
			continue
		}
		value, err := json.Marshal(uniqueClaim{e.ID})
		if err != nil {
			return nil, err
		}
		claim := StateChange{Key: "unique/" + e.UniqueKey, Value: value, TTL: c.options.PublishTimeout}
		holder, err := claimUnique(ctx, state, claim, e.ID)
		if err != nil {
			return nil, err
		}
		if ids[i] = holder; holder == e.ID {
			claim.Version, claim.TTL = AnyVersion, e.UniqueFor
			claimed, stored = append(claimed, claim), append(stored, e)
		}
	}
	if len(stored) == 0 {
		return ids, nil
	}
	if err := c.queue.driver.Publish(ctx, stored); err != nil {
		return nil, err // whether it was stored is not known: the claim ends soon
	}
	if len(claimed) > 0 {
		if _, err := state.SwapState(ctx, claimed); err != nil {
			return nil, err
		}
	}
	return ids, nil
}

// claimUnique returns the ID that holds the key now.
func claimUnique(ctx context.Context, state StateStore, claim StateChange, id string) (string, error) {
	for range maxSwaps {
		done, err := state.SwapState(ctx, []StateChange{claim})
		if err != nil || done[0] {
			return id, err
		}
		entries, err := state.LoadState(ctx, []string{claim.Key})
		if err != nil {
			return "", err
		}
		if len(entries) > 0 {
			var held uniqueClaim
			err := json.Unmarshal(entries[0].Value, &held)
			return held.ID, err
		}
	}
	return "", ErrContended
}
