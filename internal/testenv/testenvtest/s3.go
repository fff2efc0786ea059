package testenvtest

import (
	"context"
	"testing"

	"github.com/seed82d84382/commerce/internal/testenv"
)

var sharedS3 = shared{start: testenv.S3}

// S3Bucket returns the address of an S3 server, http://host:port, and the name of an empty bucket on it. The bucket goes at the end of the
// test. The server is one that this test binary starts when it is first asked for.
func S3Bucket(t testing.TB) (address, bucket string) {
	t.Helper()
	server := sharedS3.get(t)
	dsn, drop, err := server.NewDatabase(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), dropTimeout)
		defer cancel()
		if err := drop(ctx); err != nil {
			t.Error(err)
		}
	})
	return server.DSN, dsn[len(server.DSN)+1:]
}
