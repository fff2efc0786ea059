package webpenc_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/seed82d84382/commerce/media"
	"github.com/seed82d84382/commerce/media/memmedia"
	"github.com/seed82d84382/commerce/media/webpenc"
)

// A shop whose pictures are WebP for browsers that take it.
func ExampleNew() {
	images, err := memmedia.Open(&memmedia.Options{Options: media.Options{WebP: webpenc.New()}})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer images.Close()
	if _, err := images.Save(context.Background(), "tea.png", photo(), nil); err != nil {
		fmt.Println(err)
		return
	}
	handler := media.Handler(images, &media.HandlerOptions{Variants: media.Shop})
	for _, accept := range []string{"image/avif,image/webp,*/*;q=0.8", "*/*"} {
		request := httptest.NewRequest(http.MethodGet, "/tea.png?v=thumb", nil)
		request.Header.Set("Accept", accept)
		answer := httptest.NewRecorder()
		handler.ServeHTTP(answer, request)
		fmt.Println(answer.Header().Get("Content-Type"), answer.Header().Get("Vary"))
	}
	// Output:
	// image/webp Accept
	// image/png Accept
}
