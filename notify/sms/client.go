package sms

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/seed82d84382/commerce/notify"
)

// client posts forms to one provider and follows no redirects.
type client struct {
	endpoint string
	timeout  time.Duration
	http     *http.Client
}

// maxAnswer bounds how much of an answer is read.
const maxAnswer = 64 << 10

func newClient(endpoint string, timeout time.Duration) (*client, error) {
	u, err := url.Parse(endpoint)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, &InvalidError{"Endpoint", "must be an http or https address"}
	}
	if timeout == 0 {
		timeout = 10 * time.Second
	}
	return &client{
		endpoint: strings.TrimRight(endpoint, "/"), timeout: timeout,
		http: &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
	}, nil
}

// post returns status and answer. Its errors are worth another attempt and hold no addresses.
func (c *client) post(ctx context.Context, path string, form url.Values, change func(*http.Request)) (int, []byte, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.endpoint+path, strings.NewReader(form.Encode()))
	if err != nil {
		return 0, nil, notify.Permanent(errors.New("sms: cannot make a request of the endpoint"))
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.Header.Set("Accept", "application/json")
	if change != nil {
		change(request)
	}
	response, err := c.http.Do(request)
	if err != nil {
		if failed, ok := errors.AsType[*url.Error](err); ok {
			err = failed.Err
		}
		return 0, nil, fmt.Errorf("sms: send: %w", err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil && response.StatusCode >= 300 {
		return 0, nil, fmt.Errorf("sms: read the answer: %w", err)
	}
	return response.StatusCode, body, nil
}
