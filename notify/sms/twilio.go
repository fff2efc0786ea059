package sms

import (
	"context"
	"crypto/hmac"
	"crypto/sha1" // Twilio's signatures are HMAC-SHA1
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/seed82d84382/commerce/notify"
)

// TwilioOptions configure NewTwilio. AccountSID, AuthToken and one of From and
// MessagingServiceSID are required.
type TwilioOptions struct {
	AccountSID, AuthToken string
	From                  string // a number of yours, E.164
	MessagingServiceSID   string
	// StatusCallback is the address that Twilio reports to; see TwilioStatus. Default none.
	StatusCallback string
	// Endpoint of the interface. Default https://api.twilio.com.
	Endpoint string
	// Timeout bounds one request. Default 10 seconds.
	Timeout time.Duration
}

// NewTwilio makes a sender that speaks Twilio's Programmable Messaging (2010-04-01). Twilio has no
// idempotency key: a request whose answer was lost can send twice.
func NewTwilio(o *TwilioOptions) (*Twilio, error) {
	t := &Twilio{}
	if o != nil {
		t.options = *o
	}
	if t.options.Endpoint == "" {
		t.options.Endpoint = "https://api.twilio.com"
	}
	switch {
	case t.options.AccountSID == "" || strings.ContainsAny(t.options.AccountSID, "/?#"):
		return nil, &InvalidError{"AccountSID", "must not be empty"}
	case t.options.AuthToken == "":
		return nil, &InvalidError{"AuthToken", "must not be empty"}
	case t.options.From == "" && t.options.MessagingServiceSID == "":
		return nil, &InvalidError{"From", "or MessagingServiceSID must be given"}
	}
	var err error
	t.http, err = newClient(t.options.Endpoint, t.options.Timeout)
	return t, err
}

// Twilio is a Sender.
type Twilio struct {
	options TwilioOptions
	http    *client
}

// Send sends a message.
func (t *Twilio) Send(ctx context.Context, m *Message) error {
	_, err := t.Submit(ctx, m)
	return err
}

// Submit is Send that returns Twilio's ID of the message, by which its reports name it.
func (t *Twilio) Submit(ctx context.Context, m *Message) (string, error) {
	if err := m.check(); err != nil {
		return "", notify.Permanent(err)
	}
	form := url.Values{"To": {m.To}, "Body": {m.Text}}
	if t.options.MessagingServiceSID != "" {
		form.Set("MessagingServiceSid", t.options.MessagingServiceSID)
	} else {
		form.Set("From", t.options.From)
	}
	if t.options.StatusCallback != "" {
		form.Set("StatusCallback", t.options.StatusCallback)
	}
	status, body, err := t.http.post(ctx, "/2010-04-01/Accounts/"+t.options.AccountSID+"/Messages.json", form, func(r *http.Request) {
		r.SetBasicAuth(t.options.AccountSID, t.options.AuthToken)
	})
	if err != nil {
		return "", err
	}
	var answer struct {
		SID     string `json:"sid"`
		Code    int    `json:"code"`
		Message string `json:"message"`
	}
	err = json.Unmarshal(body, &answer)
	if status >= 200 && status < 300 {
		return answer.SID, nil // taken, even if the answer cannot be read
	}
	if err != nil {
		answer.Code = 0
	}
	failure := &ProviderError{Provider: "twilio", Status: status, Code: fmt.Sprint(answer.Code)}
	// 20429 is too many requests, 14107 and 30022 are rates of messages. When it is the account that is
	// refused, the message is good for another provider, or for when the account is in order.
	if status == http.StatusUnauthorized || status == http.StatusForbidden || status == http.StatusPaymentRequired {
		return "", failure
	}
	if status == http.StatusTooManyRequests || status >= 500 || status == http.StatusRequestTimeout || answer.Code == 14107 || answer.Code == 30022 {
		return "", failure
	}
	return "", notify.Permanent(failure)
}

// ProviderError is a provider's refusal by its own code. It holds neither number nor text.
type ProviderError struct {
	Provider string
	Status   int    // of HTTP
	Code     string // the provider's
}

func (e *ProviderError) Error() string {
	return fmt.Sprintf("sms: %s refused with %d, code %s", e.Provider, e.Status, e.Code)
}

// Report is what a provider says became of a message.
type Report struct {
	ProviderID string // as returned by Submit
	State      string // "sent", "delivered", "failed"
	Code       string // of a failure
}

// ErrSignature is returned for a report that the provider has not signed.
var ErrSignature = errors.New("sms: wrong signature")

// TwilioStatus reads the report that Twilio posts to StatusCallback. address is that
// address, as Twilio knows it: behind a proxy r has another one. The signature is
// checked first (ErrSignature).
func TwilioStatus(r *http.Request, authToken, address string) (*Report, error) {
	body, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, 64<<10))
	if err != nil {
		return nil, fmt.Errorf("sms: read: %w", err)
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, ErrSignature
	}
	given, err := base64.StdEncoding.DecodeString(r.Header.Get("X-Twilio-Signature"))
	if err != nil || authToken == "" || !hmac.Equal(given, twilioSignature(authToken, address, form)) {
		return nil, ErrSignature
	}
	report := &Report{ProviderID: form.Get("MessageSid"), Code: form.Get("ErrorCode")}
	switch form.Get("MessageStatus") {
	case "delivered", "read":
		report.State = "delivered"
	case "failed", "undelivered", "canceled":
		report.State = "failed"
	default:
		report.State = "sent"
	}
	return report, nil
}

// twilioSignature is HMAC-SHA1 over the address and the sorted parameters.
func twilioSignature(token, address string, form url.Values) []byte {
	h := hmac.New(sha1.New, []byte(token))
	_, _ = io.WriteString(h, address)
	for _, name := range slices.Sorted(maps.Keys(form)) {
		for _, value := range form[name] {
			_, _ = io.WriteString(h, name+value)
		}
	}
	return h.Sum(nil)
}
