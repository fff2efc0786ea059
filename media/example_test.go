package media_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/seed82d84382/commerce/media"
	"github.com/seed82d84382/commerce/media/memmedia"
)

// photo is what a customer might upload.
func photo(width, height int) *bytes.Buffer {
	var b bytes.Buffer
	if err := jpeg.Encode(&b, image.NewGray(image.Rect(0, 0, width, height)), nil); err != nil {
		panic(err)
	}
	return &b
}

func ExampleStore_Save() {
	images, err := memmedia.Open(nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer images.Close()
	ctx := context.Background()
	options := &media.SaveOptions{MaxBytes: 8 << 20, Types: media.Images}

	file, err := images.Save(ctx, "products/tea.jpg", photo(1200, 800), options)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(file.Name, file.Type, file.Width, file.Height)

	// An upload that is not what it says.
	_, err = images.Save(ctx, "products/cup.jpg", strings.NewReader("<script>alert(1)</script>"), options)
	if invalid, ok := errors.AsType[*media.InvalidError](err); ok {
		fmt.Printf("%s: %s\n", invalid.Field, invalid.Reason)
	}
	// Output:
	// products/tea.jpg image/jpeg 1200 800
	// type: of the content is text/html, but the name says image/jpeg
}

// A name that is taken is never overwritten by accident.
func ExampleStore_Save_taken() {
	files, err := memmedia.Open(nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer files.Close()
	ctx := context.Background()
	for _, text := range []string{"first", "second", "second"} {
		file, err := files.Save(ctx, "note.txt", strings.NewReader(text), nil)
		fmt.Println(file.Name, err)
	}
	_, err = files.Save(ctx, "note.txt", strings.NewReader("third"), &media.SaveOptions{IfNotExists: true})
	fmt.Println(errors.Is(err, media.ErrExists))
	file, err := files.Save(ctx, "note.txt", strings.NewReader("third"), &media.SaveOptions{Replace: true})
	fmt.Println(file.Name, err)
	// Output:
	// note.txt <nil>
	// note-16367aac.txt <nil>
	// note-16367aac.txt <nil>
	// true
	// note.txt <nil>
}

func ExampleStore_List() {
	files, err := memmedia.Open(nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer files.Close()
	ctx := context.Background()
	for _, name := range []string{"teas/oolong.txt", "cups/white.txt", "teas/green.txt"} {
		if _, err := files.Save(ctx, name, strings.NewReader(name), nil); err != nil {
			fmt.Println(err)
			return
		}
	}
	for file, err := range files.List(ctx, &media.ListOptions{Prefix: "teas/"}) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(file.Name, file.Size)
	}
	// Output:
	// teas/green.txt 14
	// teas/oolong.txt 15
}

func ExampleStore_Variant() {
	images, err := memmedia.Open(nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer images.Close()
	ctx := context.Background()
	file, err := images.Save(ctx, "tea.jpg", photo(1200, 800), nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	square := media.Variant{Width: 300, Height: 300, Fit: media.Cover, Quality: 75}
	r, err := images.Variant(ctx, file.Name, square)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer r.Close()
	fmt.Println(square, r.File().Width, r.File().Height)
	// Output:
	// 300x300,cover,q75 300 300
}

func ExampleVariants_Srcset() {
	file := media.File{Name: "tea.jpg", Width: 1000, Height: 750, SHA256: strings.Repeat("0123456789abcdef", 4)}
	for part := range strings.SplitSeq(media.Shop.Srcset("/img/tea.jpg", file), ", ") {
		fmt.Println(part)
	}
	// Output:
	// /img/tea.jpg?h=0123456789abcdef&v=thumb 160w
	// /img/tea.jpg?h=0123456789abcdef&v=card 400w
	// /img/tea.jpg?h=0123456789abcdef&v=product 800w
	// /img/tea.jpg?h=0123456789abcdef&v=zoom 1000w
}

func ExampleParseVariant() {
	hero, err := media.ParseVariant("hero=1200x400,cover,focus:0:-0.5,q80")
	fmt.Println(hero.Name, hero.Width, hero.Height, hero.Focus, err)
	_, err = media.ParseVariant("1200x400,stretch")
	fmt.Println(err)
	// Output:
	// hero 1200 400 {0 -0.5} <nil>
	// variant option "stretch" is unknown
}

func ExampleHandler() {
	images, err := memmedia.Open(nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer images.Close()
	if _, err := images.Save(context.Background(), "tea.jpg", photo(1200, 800), nil); err != nil {
		fmt.Println(err)
		return
	}
	mux := http.NewServeMux()
	mux.Handle("/img/", media.Handler(images, &media.HandlerOptions{Variants: media.Shop}))
	for _, target := range []string{"/img/tea.jpg", "/img/tea.jpg?v=card", "/img/tea.jpg?v=huge", "/img/..%2fsecret"} {
		answer := httptest.NewRecorder()
		mux.ServeHTTP(answer, httptest.NewRequest("GET", target, nil))
		fmt.Println(target, answer.Code)
	}
	// Output:
	// /img/tea.jpg 200
	// /img/tea.jpg?v=card 200
	// /img/tea.jpg?v=huge 404
	// /img/..%2fsecret 404
}

func ExampleStore_SignedURL() {
	invoices, err := memmedia.Open(&memmedia.Options{Options: media.Options{
		BaseURL:     "/invoices/",
		SigningKeys: [][]byte{[]byte("32 bytes out of crypto/rand here")},
		Now:         func() time.Time { return time.Unix(1_800_000_000, 0) },
	}})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer invoices.Close()
	address, err := invoices.SignedURL(context.Background(), "2026/1001.pdf", &media.SignOptions{ValidFor: time.Hour})
	fmt.Println(address, err)
	// Output:
	// /invoices/2026/1001.pdf?e=1800003600&s=MBtaBleg5DOUTqk0ZTxyaHILyPP8QivEatbsu85tuug <nil>
}

func ExampleStore_FS() {
	files, err := memmedia.Open(nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer files.Close()
	ctx := context.Background()
	if _, err := files.Save(ctx, "mails/welcome.txt", strings.NewReader("Welcome!"), nil); err != nil {
		fmt.Println(err)
		return
	}
	text, err := fs.ReadFile(files.FS(ctx), "mails/welcome.txt")
	fmt.Println(string(text), err)
	// Output:
	// Welcome! <nil>
}

// One backend, a store for every tenant.
func ExampleWithPrefix() {
	all, err := memmedia.Open(nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer all.Close()
	driver, err := media.WithPrefix(all.Driver(), "tenant-7/")
	if err != nil {
		fmt.Println(err)
		return
	}
	tenant, err := media.New(driver, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	file, err := tenant.Save(ctx, "logo.txt", strings.NewReader("=^.^="), nil)
	fmt.Println(file.Name, err)
	file, err = all.Stat(ctx, "tenant-7/logo.txt")
	fmt.Println(file.Name, err)
	// Output:
	// logo.txt <nil>
	// tenant-7/logo.txt <nil>
}

func ExampleVariants_Picture() {
	tea := media.File{Name: "tea.jpg", Width: 1200, Height: 900, SHA256: "b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9"}
	sizes := media.Variants{{Name: "thumb", Width: 160}, {Name: "card", Width: 400}}
	fmt.Println(sizes.Picture("/img/tea.jpg", tea, &media.PictureOptions{Alt: `Tea, "first flush"`, Sizes: "10rem", Lazy: true}))
	// Output:
	// <picture><source type="image/webp" srcset="/img/tea.jpg?h=b94d27b9934d3e08&amp;v=thumb&amp;f=webp 160w, /img/tea.jpg?h=b94d27b9934d3e08&amp;v=card&amp;f=webp 400w" sizes="10rem"><img src="/img/tea.jpg?h=b94d27b9934d3e08&amp;v=card" srcset="/img/tea.jpg?h=b94d27b9934d3e08&amp;v=thumb 160w, /img/tea.jpg?h=b94d27b9934d3e08&amp;v=card 400w" sizes="10rem" width="400" height="300" alt="Tea, &#34;first flush&#34;" loading="lazy" decoding="async"></picture>
}
