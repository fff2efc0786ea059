// Package fastdfs is a client for FastDFS, and the media backend on top of it.
//
//	images, err := fastdfs.Open(ctx, &fastdfs.Config{Trackers: []string{"10.0.0.1:22122"}, BaseURL: "https://img.example.com/"})
//	file, err := images.Save(ctx, "tea.jpg", upload, &media.SaveOptions{MaxBytes: 8 << 20, Types: media.Images})
//	url := images.URL(file.Name) // base URL + group1/M00/…
//
// [Open] returns a [media.Store]: checked uploads, variants, serving. [NewClient] returns a [Client], which has every command that a
// client of FastDFS can send: appender and slave files, metadata, file info, lists and statistics of the cluster. [ClientOf] is the way from the store to the client.
//
// It speaks to FastDFS from 4.x to 6.16, with IPv4 and IPv6, and with or without storage ids. Package fastdfstest is a cluster for tests, in process.
//
// # The store
//
// FastDFS names files itself. Save keeps only the extension of the name it is given, as far as it has at most six bytes, and returns the
// file id as final name; nothing is ever replaced. Type, hash and the caller's metadata are kept as metadata of the file; a file that
// another program has stored can be read, too. Variants are slave files, and are deleted with their master. There is no List, because FastDFS has none.
//
// # Content from strangers
//
// A FastDFS storage that refuses a request larger than its buffer (256 KiB unless configured otherwise) goes on reading the rest of the
// content as further requests. Whoever made the content then can have other files deleted: there is no login. By default content is therefore sent
// in pieces that fit the buffer, as an appender file that gets a normal name at the end. [UploadOptions.Trusted] sends it in one
// request; leave it for content of your own. A slave file cannot be sent in pieces and so must fit the buffer, or be trusted. Config.BufferSize must
// not be above buff_size of the storages.
//
// # Failures
//
// A request is sent again only where nothing had been sent, or where repeating changes nothing: reading, and writing a piece where it
// belongs. When the answer to anything else is lost, the error Is [ErrOutcomeUnknown]. A server's refusal is a [*StatusError], and
// Is media.ErrNotFound, ErrExists, ErrInvalid or ErrFull. A connection that has seen a failure, a cancelled transfer, an early answer or a status 22 is closed, never used again.
//
// Any tracker will do: one that fails is left alone for a second, then longer. A download that breaks off goes on from another storage, and a
// file that a replica does not have yet is read from its source. Trackers' answers are used again for [Config.TrackerCache].
//
// # Protocol
//
// The protocol is that of the FastDFS sources (tracker/tracker_proto.h, storage/storage_service.c and tracker/tracker_service.c of version 6.16.0).
//
// # Concurrency
//
// A Client is safe for concurrent use. Every call ends early when its context ends.
package fastdfs
