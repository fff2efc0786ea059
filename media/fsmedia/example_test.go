package fsmedia_test

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/png"
	"io"
	"net/http"
	"net/http/httptest"
	"os"

	"github.com/seed82d84382/commerce/media"
	"github.com/seed82d84382/commerce/media/fsmedia"
)

// A shop keeps its product images in a directory and serves them in its sizes.
func ExampleOpen() {
	dir, err := os.MkdirTemp("", "images")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	images, err := fsmedia.Open(dir, &fsmedia.Options{Options: media.Options{BaseURL: "/img/"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer images.Close()

	var upload bytes.Buffer
	if err := png.Encode(&upload, image.NewGray(image.Rect(0, 0, 1000, 500))); err != nil {
		fmt.Println(err)
		return
	}
	file, err := images.Save(context.Background(), "products/tea.png", &upload, &media.SaveOptions{MaxBytes: 8 << 20, Types: media.Images})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(images.URL(file.Name), file.Type, file.Width, file.Height)

	mux := http.NewServeMux()
	mux.Handle("/img/", media.Handler(images, &media.HandlerOptions{Variants: media.Shop}))
	server := httptest.NewServer(mux)
	defer server.Close()
	answer, err := http.Get(server.URL + images.URL(file.Name) + "?v=card")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer answer.Body.Close()
	body, _ := io.ReadAll(answer.Body)
	card, _, _ := image.DecodeConfig(bytes.NewReader(body))
	fmt.Println(answer.Status, answer.Header.Get("Content-Type"), card.Width, card.Height)
	// Output:
	// /img/products/tea.png image/png 1000 500
	// 200 OK image/png 400 200
}
