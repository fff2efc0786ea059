package email_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/mail"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/seed82d84382/commerce/notify"
	"github.com/seed82d84382/commerce/notify/email"
	"github.com/seed82d84382/commerce/notify/memqueue"
	"github.com/seed82d84382/commerce/notify/notifytest"
	"github.com/seed82d84382/commerce/notify/templates"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func order(change func(*email.Message)) *email.Message {
	m := &email.Message{
		ID: "job-1", From: "小店 <shop@example.com>", To: []string{"Mei <mei@example.com>"}, Cc: []string{"cc@example.com"}, Bcc: []string{"bcc@example.com"},
		ReplyTo: "help@example.com", Subject: "订单 1001", Text: "谢谢\n.\nend", HTML: "<p>谢谢</p>",
		Headers:     map[string]string{"X-Campaign": "spring"},
		Attachments: []email.Attachment{{Name: "发票.pdf", Type: "application/pdf", Data: []byte("%PDF")}},
		Unsubscribe: "https://example.com/u/1",
	}
	if change != nil {
		change(m)
	}
	return m
}

func plain(t *testing.T, s *smtpServer) email.Sender {
	t.Helper()
	sender, err := email.NewSMTP(s.start(t).addr, &email.SMTPOptions{TLS: email.Plain, Username: s.user, Password: s.password})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, sender.Close()) })
	return sender
}

func TestSMTPDelivers(t *testing.T) {
	t.Parallel()
	s := &smtpServer{user: "shop", password: "hunter2"}
	require.NoError(t, plain(t, s).Send(t.Context(), order(nil)))
	got := s.received()
	require.Len(t, got, 1)
	require.Contains(t, got[0].from, "<shop@example.com>")
	require.Len(t, got[0].to, 3, "the blind copy is a recipient")
	require.NotContains(t, got[0].data, "bcc@example.com", "but not told to the others")
	checkOrder(t, got[0].data)
}

// checkOrder reads a message back as a mail program would.
func checkOrder(t *testing.T, raw string) {
	t.Helper()
	m, err := mail.ReadMessage(strings.NewReader(raw))
	require.NoError(t, err)
	words := new(mime.WordDecoder)
	header := func(name string) string {
		v, err := words.DecodeHeader(m.Header.Get(name))
		require.NoError(t, err)
		return v
	}
	require.Equal(t, "订单 1001", header("Subject"))
	require.Equal(t, `小店 <shop@example.com>`, strings.ReplaceAll(header("From"), `"`, ""))
	require.Equal(t, "<job-1@example.com>", header("Message-ID"))
	require.Equal(t, "spring", header("X-Campaign"))
	require.Equal(t, "<https://example.com/u/1>", header("List-Unsubscribe"))
	require.Equal(t, "List-Unsubscribe=One-Click", header("List-Unsubscribe-Post"))
	require.Contains(t, header("Reply-To"), "help@example.com")
	found := map[string]string{}
	collect(t, m.Header.Get("Content-Type"), m.Header.Get("Content-Transfer-Encoding"), m.Body, found)
	require.Equal(t, "谢谢\n.\nend", strings.TrimSpace(strings.ReplaceAll(found["text/plain"], "\r\n", "\n")))
	require.Contains(t, found["text/html"], "<p>谢谢</p>")
	require.Equal(t, "%PDF", found["application/pdf"])
}

func TestSMTPRequiresTLSByDefault(t *testing.T) {
	t.Parallel()
	s := (&smtpServer{}).start(t)
	sender, err := email.NewSMTP(s.addr, nil)
	require.NoError(t, err)
	require.Error(t, sender.Send(t.Context(), order(nil)))
	require.Empty(t, s.received())
}

func TestSMTPOverTLS(t *testing.T) {
	t.Parallel()
	config, pool := certificate(t)
	for policy, implicit := range map[email.TLSPolicy]bool{email.StartTLS: false, email.ImplicitTLS: true} {
		s := (&smtpServer{tls: config, implicit: implicit, user: "shop", password: "hunter2"}).start(t)
		o := &email.SMTPOptions{TLS: policy, Username: "shop", Password: "hunter2", TLSConfig: &tls.Config{RootCAs: pool, ServerName: "127.0.0.1"}}
		sender, err := email.NewSMTP(s.addr, o)
		require.NoError(t, err)
		require.NoError(t, sender.Send(t.Context(), order(nil)), policy)
		require.NoError(t, sender.Close())
		require.True(t, s.received()[0].encrypted)

		o.TLSConfig = nil // does not trust that certificate
		sender, err = email.NewSMTP(s.addr, o)
		require.NoError(t, err)
		require.Error(t, sender.Send(t.Context(), order(nil)), policy)
		require.Len(t, s.received(), 1)
	}
}

func TestSMTPClassifiesRefusals(t *testing.T) {
	t.Parallel()
	for verb, answers := range map[string][2]string{
		"RCPT": {"550 no such user mei@example.com", "450 mailbox busy"}, "MAIL": {"553 no", "451 later"}, "DATA": {"554 spam", "452 full"},
	} {
		for i, answer := range answers {
			err := plain(t, &smtpServer{answers: map[string]string{verb: answer}}).Send(t.Context(), order(nil))
			rejected, ok := errors.AsType[*email.RejectedError](err)
			require.True(t, ok, "%s: %v", answer, err)
			require.Equal(t, answer[:3], fmt.Sprint(rejected.Code))
			require.Equal(t, i == 0, notify.IsPermanent(err), answer)
			require.NotContains(t, err.Error(), "mei@", "errors hold no addresses")
		}
	}
	s := &smtpServer{user: "shop", password: "right"}
	sender, err := email.NewSMTP(s.start(t).addr, &email.SMTPOptions{TLS: email.Plain, Username: "shop", Password: "hunter2"})
	require.NoError(t, err)
	err = sender.Send(t.Context(), order(nil))
	require.Error(t, err)
	require.NotContains(t, err.Error(), "hunter2")
}

func TestMessageTakenIsNotSentTwice(t *testing.T) {
	t.Parallel()
	s := &smtpServer{drop: true}
	require.NoError(t, plain(t, s).Send(t.Context(), order(nil)), "the connection broke after the server took the message")
	require.Len(t, s.received(), 1)
}

func TestSendEndsWithItsContext(t *testing.T) {
	t.Parallel()
	sender := plain(t, &smtpServer{hang: "MAIL"})
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	begin := time.Now()
	err := sender.Send(ctx, order(nil))
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.Less(t, time.Since(begin), 10*time.Second)
	require.False(t, notify.IsPermanent(err))
}

func TestConnectionsAreKeptAndCheckedBeforeTheyAreUsed(t *testing.T) {
	t.Parallel()
	s := (&smtpServer{answers: map[string]string{}}).start(t)
	sender, err := email.NewSMTP(s.addr, &email.SMTPOptions{TLS: email.Plain, MaxIdle: 2})
	require.NoError(t, err)
	defer sender.Close()
	for range 10 {
		require.NoError(t, sender.Send(t.Context(), order(nil)))
	}
	require.EqualValues(t, 1, s.connections.Load(), "one after the other they share a connection")
	err = sender.Send(t.Context(), order(func(m *email.Message) { m.To = []string{"nobody@example.com"}; m.Cc, m.Bcc = nil, nil }))
	require.True(t, notify.IsPermanent(err), "%v", err)
	require.NoError(t, sender.Send(t.Context(), order(nil)), "a refusal does not spoil it")
	require.EqualValues(t, 1, s.connections.Load())
	s.hangUp()
	require.NoError(t, sender.Send(t.Context(), order(nil)), "one that the server has closed is not used")
	require.EqualValues(t, 2, s.connections.Load())
	var group sync.WaitGroup
	for range 20 {
		group.Go(func() {
			if err := sender.Send(t.Context(), order(nil)); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	require.Len(t, s.received(), 32)
}

func TestBadMessages(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	sender, err := email.NewFile(dir, nil)
	require.NoError(t, err)
	injection := "x\r\nBcc: eve@example.com"
	for name, change := range map[string]func(*email.Message){
		"no body":            func(m *email.Message) { m.Text, m.HTML = "", "" },
		"no recipient":       func(m *email.Message) { m.To, m.Cc, m.Bcc = nil, nil, nil },
		"many recipients":    func(m *email.Message) { m.To = make([]string, 101) },
		"no sender":          func(m *email.Message) { m.From = "" },
		"two senders":        func(m *email.Message) { m.From = "a@example.com, b@example.com" },
		"no address":         func(m *email.Message) { m.To = []string{"mei"} },
		"subject injection":  func(m *email.Message) { m.Subject = injection },
		"to injection":       func(m *email.Message) { m.To = []string{"mei@example.com" + injection[1:]} },
		"name injection":     func(m *email.Message) { m.From = "\"x\r\nBcc: e@example.com\" <a@example.com>" },
		"reply injection":    func(m *email.Message) { m.ReplyTo = injection },
		"header injection":   func(m *email.Message) { m.Headers = map[string]string{"X-A": injection} },
		"header name":        func(m *email.Message) { m.Headers = map[string]string{"X-A\r\nBcc": "x"} },
		"header of ours":     func(m *email.Message) { m.Headers = map[string]string{"bCC": "eve@example.com"} },
		"id injection":       func(m *email.Message) { m.ID = "x>\r\nBcc: e" },
		"attachment path":    func(m *email.Message) { m.Attachments[0].Name = "../../etc/passwd" },
		"attachment name":    func(m *email.Message) { m.Attachments[0].Name = injection },
		"attachment type":    func(m *email.Message) { m.Attachments[0].Type = injection },
		"attachment size":    func(m *email.Message) { m.Attachments[0].Data = make([]byte, 26<<20) },
		"unsubscribe":        func(m *email.Message) { m.Unsubscribe = "http://example.com" },
		"unsubscribe breaks": func(m *email.Message) { m.Unsubscribe = "https://example.com/\r\nBcc: e" },
		"NUL":                func(m *email.Message) { m.Subject = "a\x00b" },
		"not UTF-8":          func(m *email.Message) { m.Subject = "\xff" },
	} {
		err := sender.Send(t.Context(), order(change))
		require.ErrorIs(t, err, email.ErrInvalid, name)
		require.True(t, notify.IsPermanent(err), name)
		require.NotContains(t, err.Error(), "eve@", name)
	}
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Empty(t, entries)
}

func TestBadOptions(t *testing.T) {
	t.Parallel()
	for _, addr := range []string{"", "example.com", "example.com:smtp", ":25"} {
		_, err := email.NewSMTP(addr, nil)
		require.ErrorIs(t, err, email.ErrInvalid, addr)
	}
	_, err := email.NewSMTP("mail.example.com:25", &email.SMTPOptions{TLS: email.Plain, Username: "a", Password: "hunter2"})
	require.ErrorIs(t, err, email.ErrInvalid)
	require.NotContains(t, err.Error(), "hunter2")
	_, err = email.NewSMTP("mail.example.com:25", &email.SMTPOptions{TLS: "sometimes"})
	require.ErrorIs(t, err, email.ErrInvalid)
	_, err = email.NewMailer(nil, nil, nil)
	require.ErrorIs(t, err, email.ErrInvalid)
}

func TestFileSenderWritesWholeMessages(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "outbox")
	sender, err := email.NewFile(dir, nil)
	require.NoError(t, err)
	for range 3 {
		require.NoError(t, sender.Send(t.Context(), order(nil)))
	}
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	require.NoError(t, err)
	require.Len(t, files, 3)
	for _, file := range files {
		require.Equal(t, ".eml", filepath.Ext(file))
		content, err := os.ReadFile(file)
		require.NoError(t, err)
		checkOrder(t, string(content))
		info, err := os.Stat(file)
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	}
}

func TestMailerThroughAQueueToARealServer(t *testing.T) {
	t.Parallel()
	set, err := templates.Parse(fstest.MapFS{
		"order.en.txt":  {Data: []byte(`{{define "subject"}}Order {{.Number}}{{end}}Thank you, {{.Name}}.`)},
		"order.zh.txt":  {Data: []byte(`{{define "subject"}}订单 {{.Number}}{{end}}谢谢，{{.Name}}。`)},
		"order.zh.html": {Data: []byte(`<p>谢谢，{{.Name}}。</p>`)},
	}, nil)
	require.NoError(t, err)
	s := &smtpServer{}
	mailer, err := email.NewMailer(plain(t, s), set, &email.MailerOptions{From: "shop@example.com"})
	require.NoError(t, err)
	q := memqueue.Open(nil)
	defer q.Close()
	task := notify.NewTask[email.Mail]("email.send", nil)
	w := notify.NewWorker(q, nil)
	task.Handle(w, mailer.Handle)
	client := notify.NewClient(q, nil)
	job, err := task.Enqueue(t.Context(), client, email.Mail{To: []string{"mei@example.com"}, Template: "order", Locale: "zh-CN",
		Data: templates.Data{"Number": 1000001, "Name": "<梅>"}})
	require.NoError(t, err)
	require.Equal(t, 1, notifytest.Drain(t, w))
	require.Len(t, s.received(), 1)
	m, err := mail.ReadMessage(strings.NewReader(s.received()[0].data))
	require.NoError(t, err)
	subject, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
	require.NoError(t, err)
	require.Equal(t, "订单 1000001", subject)
	require.Equal(t, "zh", m.Header.Get("Content-Language"))
	require.Equal(t, "<"+job.ID+"@example.com>", m.Header.Get("Message-ID"))
	parts := map[string]string{}
	collect(t, m.Header.Get("Content-Type"), m.Header.Get("Content-Transfer-Encoding"), m.Body, parts)
	require.Contains(t, parts["text/plain"], "谢谢，<梅>。")
	require.Contains(t, parts["text/html"], "谢谢，&lt;梅&gt;。")
}

// collect decodes the leaves of a message, by media type.
func collect(t *testing.T, contentType, encoding string, body io.Reader, found map[string]string) {
	t.Helper()
	mediaType, params, err := mime.ParseMediaType(contentType)
	require.NoError(t, err)
	if !strings.HasPrefix(mediaType, "multipart/") {
		content, err := io.ReadAll(decoder(encoding, body))
		require.NoError(t, err)
		found[mediaType] = string(content)
		return
	}
	parts := multipart.NewReader(body, params["boundary"])
	for {
		part, err := parts.NextRawPart()
		if err == io.EOF {
			return
		}
		require.NoError(t, err)
		collect(t, part.Header.Get("Content-Type"), part.Header.Get("Content-Transfer-Encoding"), part, found)
	}
}

func ExampleNewFile() {
	dir, err := os.MkdirTemp("", "outbox")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	sender, err := email.NewFile(dir, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	err = sender.Send(context.Background(), &email.Message{
		From: "Shop <shop@example.com>", To: []string{"mei@example.com"}, Subject: "Hello", Text: "Thank you!",
	})
	fmt.Println(err)
	files, _ := filepath.Glob(filepath.Join(dir, "*.eml"))
	content, _ := os.ReadFile(files[0])
	fmt.Println(len(files), bytes.Contains(content, []byte("Subject: Hello")))
	// Output:
	// <nil>
	// 1 true
}
