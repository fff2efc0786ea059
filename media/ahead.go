package media

import (
	"context"
	"errors"
)

// VariantJob asks for the variants of a file to be made. It is plain data, so that it passes through any queue.
type VariantJob struct {
	Name     string   `json:"name"`     // of the file
	Variants []string `json:"variants"` // as Variant.String writes them
}

// prepare hands on the variants that are to be made ahead of time.
func (s *Store) prepare(ctx context.Context, f File) {
	if s.options.Prepare == nil || len(s.options.Ahead) == 0 || !isImage(f.Type) {
		return
	}
	job := VariantJob{Name: f.Name}
	for _, v := range s.options.Ahead {
		job.Variants = append(job.Variants, v.String())
	}
	if err := s.options.Prepare(ctx, job); err != nil {
		s.options.Logger.WarnContext(ctx, "media: variants not prepared", "name", f.Name, "error", err)
	}
}

// MakeVariants makes the variants of an image that are not there yet, and keeps them. The image is
// read and decoded once for all of them. To do the same job again costs only a look at each variant.
//
// ErrNotFound if there is no such file (any longer: a worker may drop the job), an *InvalidError for what has no variants
// or for a specification out of range. What cannot be kept, since the backend can neither take nor derive its name, is errors.ErrUnsupported.
func (s *Store) MakeVariants(ctx context.Context, job VariantJob) error {
	ctx, end := s.start(ctx, "make variants", job.Name)
	return end(s.makeVariants(ctx, job))
}

// maxJob is how many variants a job may have: what comes out of a queue is not always what went in.
const maxJob = 100

func (s *Store) makeVariants(ctx context.Context, job VariantJob) (err error) {
	name, err := s.ready(job.Name)
	if err != nil {
		return err
	}
	if len(job.Variants) > maxJob {
		return invalid("variants", "are %d, allowed are %d", len(job.Variants), maxJob)
	}
	f, err := s.driver.Stat(ctx, name)
	if err != nil {
		return err
	}
	var missing []plan
	for _, spec := range job.Variants {
		v, err := ParseVariant(spec)
		if err != nil {
			return err
		}
		p, err := s.plan(f, v)
		if errors.Is(err, ErrTooLarge) { // such a one is never asked for either
			continue
		}
		if err != nil {
			return err
		}
		if p.name == "" {
			return errors.ErrUnsupported
		}
		_, err = p.store.driver.Stat(ctx, p.name)
		if errors.Is(err, ErrNotFound) {
			missing = append(missing, p)
		} else if err != nil {
			return err
		}
	}
	if len(missing) == 0 {
		return nil
	}
	defer survive(&err)
	variants := make(Variants, len(missing))
	for i, p := range missing {
		variants[i] = p.variant
	}
	l, err := s.load(ctx, f, variants)
	if err != nil {
		return err
	}
	defer l.release()
	for _, p := range missing {
		if err := ctx.Err(); err != nil {
			return err
		}
		r, err := s.renderVariant(ctx, p.variant, l)
		if err != nil {
			return err
		}
		s.keep(ctx, p, r)
	}
	return nil
}
