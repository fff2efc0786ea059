package testenv

import "context"

// ErrPortTaken is for tests outside of the package.
var ErrPortTaken = errPortTaken

// Ready asks whether s itself answers on its address.
func Ready(ctx context.Context, s *Server) error { return s.kind.ready(ctx, s) }
