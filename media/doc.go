// Package media keeps files and product images: uploads are checked once,
// stored on any backend, and served with the sizes a shop needs.
//
//	images, err := fsmedia.Open("/srv/shop/images", nil)
//	file, err := images.Save(ctx, "tea.jpg", upload, &media.SaveOptions{MaxBytes: 8 << 20, Types: media.Images})
//	url := images.URL(file.Name)
//	http.Handle("/img/", media.Handler(images, &media.HandlerOptions{Variants: media.Shop}))
//	srcset := media.Shop.Srcset("/img/tea.jpg", file)
//
// A [Store] is the portable type. It decides everything that is policy: which
// names are allowed, how large a file may be, what its content really is,
// how images are cleaned. A [Driver] only moves bytes. The backends' Open
// functions return a ready Store: fsmedia keeps files in a directory, memmedia
// in memory, fastdfs in a FastDFS cluster, s3media in a bucket of S3. A backend of
// your own is a Driver, [New], and a run of the kit in mediatest.
//
// # What Save does
//
// Save first takes the whole upload into a spool (memory up to 1 MiB, then a
// temporary file), counting and hashing. No byte reaches the backend before the
// upload has ended and has passed every check, so a failed save leaves
// nothing, and a driver always knows the size and hash beforehand.
//
// The type of a file is what its first bytes say, never what the sender says. A
// name whose extension tells another story than the content is refused, and so
// is a type that [SaveOptions.Types] does not list.
//
// Images (JPEG, PNG, GIF, WebP) have their dimensions limited before anything
// is decoded; then they are decoded once, so that a damaged or cut file is found
// now and not by a customer. What could tell on the photographer (EXIF with its
// position, XMP, comments) and whatever hides behind the end of the image is
// dropped. The pixels stay as they were, bit for bit, with one exception: a
// JPEG or PNG that is stored lying on its side (EXIF orientation 2 to 8) is turned
// upright and encoded again, JPEG at quality 92, PNG without loss. Colour
// profiles stay, and variants carry them on. A WebP image on its side keeps an EXIF of nothing but the
// orientation, because encoding it again would cost quality; its variants are upright.
// [SaveOptions.Verbatim] stores exactly the bytes received.
//
// # Names
//
// A name is a slash-separated path such as "products/tea.jpg". Save returns the
// final name, and only that one may be kept: it is in Unicode form C, it may carry
// a suffix when the name was taken by other content, and some backends
// name files entirely by themselves.
//
// # Variants
//
// A [Variant] says how large and how cropped; [Shop] is the set a shop needs. A
// variant is made on the first request, once however many ask at a time, and
// kept in the store under the hash of the image and the specification, so it
// never goes stale. With [Options.Prepare] a queue has the variants of [Options.Ahead]
// made before anybody asks ([Store.MakeVariants]).
//
// A JPEG that is at least twice as large as its variants is decoded at a half, a quarter
// or an eighth of its size, straight out of its frequencies, which takes a fraction of the time. An animated
// GIF may have 2,000 frames, and all of them together Options.MaxPixels; its variants show the first one.
//
// With [Options.WebP] variants can be WebP, and a Handler sends them so to browsers that take it; [Variants.Picture] is the element for a page.
//
// # Moving and tidying
//
// [Migrate] copies everything to another store, verified, and goes on where it was interrupted. [Mirror] writes to two
// backends and reads from the first that has a file: for a second copy, or for the time of a move. [Store.Sweep]
// finds files that the shop's database no longer knows.
//
// # Serving
//
// [Handler] answers ranges and conditional requests with strong ETags, never
// lets a browser guess a type, and sends everything that is not a plain image as
// a download. [Store.SignedURL] makes addresses that expire.
//
// # Concurrency
//
// A Store and its Driver are safe for concurrent use. Files are replaced as a
// whole: a reader sees the old content or the new one.
package media
