// Package session keeps the login state of web users: who they are, on which
// devices, for how long, and small values by key.
//
//	sessions, err := memstore.Open(&session.Options{Idle: 30 * time.Minute})
//	mux := sessions.Middleware(app)
//
//	// in a handler, after the password was checked
//	err = sessions.Login(ctx, session.User{ID: "42", AuthHash: u.PasswordHash}, &session.LoginOptions{Remember: true})
//	user, ok := sessions.User(ctx)
//	err = sessions.Put(ctx, "theme", "dark")
//	err = sessions.Update(ctx, func(v *session.Values) error { v.Set("cart", cart); return nil })
//	devices, err := sessions.List(ctx, user.ID)
//	n, err := sessions.LogoutAll(ctx, user.ID)
//
// # Tokens
//
// The cookie holds "<id>.<secret>", both from crypto/rand. The store is keyed
// by the public id and holds only the SHA-256 of the secret, so neither a leaked
// database nor a list of devices lets anyone in. Renewing a token replaces the
// secret inside the same record by one compare-and-set: there is never a second
// copy of a session. For a few seconds (Options.Grace) the secret before still
// reads, and never writes, so that requests that were already on their way when
// the token changed are not logged out. After a login it reads an empty
// anonymous session only: a planted token never sees the account.
//
// # Loading and saving
//
// A session is loaded when it is first used. A request that does not use its
// session costs the store nothing, and one that only reads writes nothing,
// but for a touch of the last-seen time at most every Options.TouchEvery.
// Put and Delete collect a log of changes that is saved just before the first
// byte of the response; when another request saved in between, the log is
// applied again to what that one wrote. A session that was ended meanwhile is
// never written back. Login, Logout, Renew and Update save at once.
//
// # Concurrency
//
// A Manager is safe for concurrent use, and so is the session of one request
// by several goroutines.
package session
