package fastdfs_test

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/seed82d84382/commerce/media/fastdfs"
	"github.com/seed82d84382/commerce/media/fastdfs/fastdfstest"
)

func ExampleOpen() {
	cluster, err := fastdfstest.New(nil) // a real program has a real one
	if err != nil {
		fmt.Println(err)
		return
	}
	defer cluster.Close()
	ctx := context.Background()
	config := cluster.Config()
	config.BaseURL = "https://img.example.com/"

	files, err := fastdfs.Open(ctx, config)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer files.Close()
	file, err := files.Save(ctx, "brewing.txt", strings.NewReader("80 °C, two minutes"), nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	r, err := files.Open(ctx, file.Name)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer r.Close()
	text, _ := io.ReadAll(r)
	fmt.Println(file.Name[:16], file.Type, string(text))
	fmt.Println(files.URL(file.Name)[:41])
	// Output:
	// group1/M00/00/00 text/plain 80 °C, two minutes
	// https://img.example.com/group1/M00/00/00/
}

func ExampleNewClient() {
	cluster, err := fastdfstest.New(nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer cluster.Close()
	ctx := context.Background()

	client, err := fastdfs.NewClient(cluster.Config())
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()
	id, err := client.UploadAppender(ctx, strings.NewReader("first line\n"), -1, &fastdfs.UploadOptions{Ext: "log"})
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := client.Append(ctx, id, strings.NewReader("second line\n"), -1); err != nil {
		fmt.Println(err)
		return
	}
	info, err := client.Info(ctx, id, false)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(info.Size, "bytes")
	// Output:
	// 23 bytes
}

func ExampleParseFileID() {
	id, err := fastdfs.ParseFileID("group1/M00/00/00/fwAADGsEo86AeooTAAAADg4Qul0562.txt")
	if err != nil {
		fmt.Println(err)
		return
	}
	size, _ := id.Size()
	source, _ := id.SourceAddr()
	fmt.Println(size, "bytes from", source, "of", id.Created.Format(time.DateOnly), "with checksum", fmt.Sprintf("%08x", id.CRC32))
	// Output:
	// 14 bytes from 127.0.0.12 of 2026-11-23 with checksum 0e10ba5d
}

func ExampleToken() {
	issued := time.Unix(1700000000, 0)
	fmt.Println(fastdfs.Token("group1/M00/00/00/fwAAC2sEoECAJMQbAAAADg4Qul0623.txt", []byte("FastDFS1234567890"), issued))
	// Output:
	// 425b5ba35216cf42ec438e8d518469a3
}

func ExampleClient_StartUpload() {
	cluster, err := fastdfstest.New(nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer cluster.Close()
	ctx := context.Background()
	client, err := fastdfs.NewClient(cluster.Config())
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()

	video := strings.NewReader(strings.Repeat("frame ", 100_000))
	upload, err := client.StartUpload(ctx, &fastdfs.UploadOptions{Ext: "mp4"})
	if err != nil {
		fmt.Println(err)
		return
	}
	keep := upload.ID() // somewhere safe: with it, another process can go on
	if upload, err = client.ResumeUpload(keep); err != nil {
		fmt.Println(err)
		return
	}
	if err := upload.Send(ctx, video); err != nil {
		fmt.Println(err)
		return
	}
	id, err := upload.Finish(ctx, video)
	if err != nil {
		fmt.Println(err)
		return
	}
	info, _ := client.Info(ctx, id, false)
	fmt.Println(info.Size, "bytes")
	// Output:
	// 600000 bytes
}
