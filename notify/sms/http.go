package sms

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/seed82d84382/commerce/notify"
)

// HTTPOptions configure NewHTTP. Zero means the default.
type HTTPOptions struct {
	// Header goes with every request: authorization, for one.
	Header http.Header
	// Encode makes the request body and its media type. Default: JSON with
	// the fields id, to and text.
	Encode func(m *Message) (body []byte, mediaType string, err error)
	// Accept judges a 2xx answer, for providers that answer 200 to everything: an
	// error marked with notify.Permanent is final, another one is tried again. Default: accepted.
	Accept func(body []byte) error
	// Timeout bounds one request. Default 10 seconds.
	Timeout time.Duration
	// MaxResponse bounds how much of an answer is read. Default 64 KiB.
	MaxResponse int64
	// Client sends requests. Default: one of its own that follows no redirects.
	Client *http.Client
	// Now is the clock for Retry-After dates. Default time.Now.
	Now func() time.Time
}

// NewHTTP makes a sender for a provider with an HTTP interface. Messages are
// sent by POST with the header Idempotency-Key when they have an ID.
//
// Answers: 2xx is taken, 408, 425, 429 and 5xx are tried again (after
// Retry-After, if given), anything else is final.
func NewHTTP(endpoint string, o *HTTPOptions) (Sender, error) {
	u, err := url.Parse(endpoint)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, &InvalidError{"endpoint", "must be an http or https address"}
	}
	s := &httpSender{endpoint: endpoint}
	if o != nil {
		s.options = *o
	}
	if s.options.Encode == nil {
		s.options.Encode = encodeJSON
	}
	if s.options.Timeout == 0 {
		s.options.Timeout = 10 * time.Second
	}
	if s.options.MaxResponse == 0 {
		s.options.MaxResponse = 64 << 10
	}
	if s.options.Now == nil {
		s.options.Now = time.Now
	}
	if s.options.Client == nil {
		s.options.Client = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	}
	return s, nil
}

type httpSender struct {
	endpoint string
	options  HTTPOptions
}

// HTTPError is a provider's refusal.
type HTTPError struct {
	Status int
	Body   []byte // of the answer, bounded; not part of Error, since it may repeat number and text
}

func (e *HTTPError) Error() string { return fmt.Sprintf("sms: the provider answered %d", e.Status) }

func encodeJSON(m *Message) ([]byte, string, error) {
	body, err := json.Marshal(struct {
		ID   string `json:"id,omitempty"`
		To   string `json:"to"`
		Text string `json:"text"`
	}{m.ID, m.To, m.Text})
	return body, "application/json", err
}

func (s *httpSender) Send(ctx context.Context, m *Message) error {
	if err := m.check(); err != nil {
		return notify.Permanent(err)
	}
	body, mediaType, err := s.options.Encode(m)
	if err != nil {
		return notify.Permanent(fmt.Errorf("sms: encode: %w", err))
	}
	ctx, cancel := context.WithTimeout(ctx, s.options.Timeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, s.endpoint, bytes.NewReader(body))
	if err != nil {
		return notify.Permanent(errors.New("sms: cannot make a request of the endpoint"))
	}
	if s.options.Header != nil {
		request.Header = s.options.Header.Clone()
	}
	request.Header.Set("Content-Type", mediaType)
	if m.ID != "" {
		request.Header.Set("Idempotency-Key", m.ID)
	}
	response, err := s.options.Client.Do(request)
	if err != nil {
		if e, ok := errors.AsType[*url.Error](err); ok {
			err = e.Err // the address may hold a key
		}
		return fmt.Errorf("sms: send: %w", err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(response.Body, s.options.MaxResponse))
	return s.judge(response, answer, err)
}

func (s *httpSender) judge(response *http.Response, answer []byte, readErr error) error {
	status := response.StatusCode
	failure := &HTTPError{Status: status, Body: answer}
	switch {
	case status >= 200 && status < 300:
		if s.options.Accept == nil {
			return nil
		}
		if readErr != nil {
			return fmt.Errorf("sms: read the answer: %w", readErr)
		}
		return s.options.Accept(answer)
	case status == http.StatusRequestTimeout, status == http.StatusTooEarly, status == http.StatusTooManyRequests, status >= 500:
		if delay, ok := s.retryAfter(response.Header.Get("Retry-After")); ok {
			return notify.RetryAfter(delay, failure)
		}
		return failure
	}
	return notify.Permanent(failure)
}

// retryAfter reads seconds or a date (RFC 9110, 10.2.3), at most a day.
func (s *httpSender) retryAfter(value string) (time.Duration, bool) {
	const most = 24 * time.Hour
	if seconds, err := strconv.Atoi(value); err == nil {
		return time.Duration(min(max(seconds, 0), int(most/time.Second))) * time.Second, true
	}
	if at, err := http.ParseTime(value); err == nil {
		return min(max(at.Sub(s.options.Now()), 0), most), true
	}
	return 0, false
}
