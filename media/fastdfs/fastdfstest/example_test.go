package fastdfstest_test

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/seed82d84382/commerce/media"
	"github.com/seed82d84382/commerce/media/fastdfs"
	"github.com/seed82d84382/commerce/media/fastdfs/fastdfstest"
)

func ExampleNew() {
	cluster, err := fastdfstest.New(&fastdfstest.Options{Groups: []int{1}})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer cluster.Close()
	client, err := fastdfs.NewClient(cluster.Config())
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()

	// The disk is full, for one upload.
	cluster.Inject(fastdfstest.Fault{Command: fastdfs.CommandUpload, Status: 28, Times: 1})
	for range 2 {
		_, err = client.Upload(context.Background(), strings.NewReader("tea"), 3, nil)
		fmt.Println(errors.Is(err, media.ErrFull), err == nil)
	}
	// Output:
	// true false
	// false true
}
