package sms

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1" // Aliyun's signatures are HMAC-SHA1
	"encoding/base64"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/seed82d84382/commerce/notify"
)

// AliyunOptions configure NewAliyun. AccessKeyID, AccessKeySecret, SignName and Templates are required.
type AliyunOptions struct {
	AccessKeyID, AccessKeySecret string
	SignName                     string // approved by Aliyun, such as "小店"
	// Templates are Aliyun's template codes by our names, "code" or, for one language, "code.zh". Aliyun sends
	// approved templates only, filled in with Message.Params.
	Templates map[string]string
	// Endpoint of the interface. Default https://dysmsapi.aliyuncs.com.
	Endpoint string
	// Timeout bounds one request. Default 10 seconds.
	Timeout time.Duration
	// Now is the clock of requests, which Aliyun wants within 15 minutes. Default time.Now.
	Now func() time.Time

	nonce func() string // of requests; tests fix it
}

// NewAliyun makes a sender that speaks Aliyun's SMS service (Dysmsapi 2017-05-25, signature version 1.0). Message.ID
// goes along as OutId, which its reports return; Aliyun has no idempotency key.
func NewAliyun(o *AliyunOptions) (*Aliyun, error) {
	a := &Aliyun{}
	if o != nil {
		a.options = *o
	}
	if a.options.Endpoint == "" {
		a.options.Endpoint = "https://dysmsapi.aliyuncs.com"
	}
	if a.options.Now == nil {
		a.options.Now = time.Now
	}
	if a.options.nonce == nil {
		a.options.nonce = rand.Text
	}
	switch {
	case a.options.AccessKeyID == "":
		return nil, &InvalidError{"AccessKeyID", "must not be empty"}
	case a.options.AccessKeySecret == "":
		return nil, &InvalidError{"AccessKeySecret", "must not be empty"}
	case a.options.SignName == "":
		return nil, &InvalidError{"SignName", "must not be empty"}
	case len(a.options.Templates) == 0:
		return nil, &InvalidError{"Templates", "must not be empty"}
	}
	var err error
	a.http, err = newClient(a.options.Endpoint, a.options.Timeout)
	return a, err
}

// Aliyun is a Sender.
type Aliyun struct {
	options AliyunOptions
	http    *client
}

// Send sends a message by its Template and Params; its Text is not used.
func (a *Aliyun) Send(ctx context.Context, m *Message) error {
	_, err := a.Submit(ctx, m)
	return err
}

// Submit is Send that returns Aliyun's ID of the message (BizId).
func (a *Aliyun) Submit(ctx context.Context, m *Message) (string, error) {
	if !e164(m.To) {
		return "", notify.Permanent(&InvalidError{"To", "must be a number in the form +8613800138000 (E.164)"})
	}
	code := a.options.Templates[m.Template+"."+m.Locale]
	if code == "" {
		code = a.options.Templates[m.Template]
	}
	if code == "" {
		return "", notify.Permanent(&InvalidError{"Template", "has no code of Aliyun"})
	}
	params, err := json.Marshal(m.Params)
	if err != nil {
		return "", notify.Permanent(&InvalidError{"Params", "cannot be encoded"})
	}
	number := strings.TrimPrefix(m.To, "+") // with the country, except in China
	if local, ok := strings.CutPrefix(m.To, "+86"); ok {
		number = local
	}
	form := url.Values{
		"Action": {"SendSms"}, "Version": {"2017-05-25"}, "RegionId": {"cn-hangzhou"}, "Format": {"JSON"},
		"PhoneNumbers": {number}, "SignName": {a.options.SignName}, "TemplateCode": {code},
		"AccessKeyId": {a.options.AccessKeyID}, "SignatureMethod": {"HMAC-SHA1"}, "SignatureVersion": {"1.0"},
		"SignatureNonce": {a.options.nonce()}, "Timestamp": {a.options.Now().UTC().Format("2006-01-02T15:04:05Z")},
	}
	if len(m.Params) > 0 {
		form.Set("TemplateParam", string(params))
	}
	if m.ID != "" {
		form.Set("OutId", m.ID)
	}
	form.Set("Signature", aliyunSignature(a.options.AccessKeySecret, http.MethodPost, form))
	status, body, err := a.http.post(ctx, "/", form, nil)
	if err != nil {
		return "", err
	}
	var answer struct{ Code, BizId string }
	if err := json.Unmarshal(body, &answer); err != nil && status < 300 {
		return "", &ProviderError{Provider: "aliyun", Status: status, Code: "unreadable"}
	}
	if answer.Code == "OK" {
		return answer.BizId, nil
	}
	failure := &ProviderError{Provider: "aliyun", Status: status, Code: printable(answer.Code)}
	// What is wrong with the request comes back the same each time; limits and outages pass.
	switch {
	case status >= 500, status == http.StatusTooManyRequests, strings.HasPrefix(answer.Code, "Throttling"),
		answer.Code == "isv.BUSINESS_LIMIT_CONTROL", answer.Code == "isp.SYSTEM_ERROR",
		answer.Code == "ServiceUnavailable", answer.Code == "InternalError", answer.Code == "isv.AMOUNT_NOT_ENOUGH", answer.Code == "isv.OUT_OF_SERVICE":
		return "", failure
	}
	return "", notify.Permanent(failure)
}

// printable keeps a foreign code short and on one line.
func printable(code string) string {
	code = strings.Map(func(r rune) rune {
		if r <= ' ' || r > '~' {
			return -1
		}
		return r
	}, code)
	return code[:min(len(code), 60)]
}

// aliyunSignature signs the sorted parameters of an RPC request.
func aliyunSignature(secret, method string, form url.Values) string {
	var canonical []string
	for _, name := range slices.Sorted(maps.Keys(form)) {
		canonical = append(canonical, aliyunEscape(name)+"="+aliyunEscape(form.Get(name)))
	}
	h := hmac.New(sha1.New, []byte(secret+"&"))
	_, _ = io.WriteString(h, method+"&%2F&"+aliyunEscape(strings.Join(canonical, "&")))
	return base64.StdEncoding.EncodeToString(h.Sum(nil))
}

// aliyunEscape is RFC 3986: a space is %20, and ~ stays.
func aliyunEscape(s string) string {
	return strings.NewReplacer("+", "%20", "*", "%2A", "%7E", "~").Replace(url.QueryEscape(s))
}

// AliyunStatus reads the list of reports that Aliyun posts (SmsReport), by the ID that was given as
// Message.ID. Aliyun does not sign them: give it an address that nobody can guess.
func AliyunStatus(r *http.Request) (map[string]*Report, error) {
	body, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, 256<<10))
	if err != nil {
		return nil, &InvalidError{"report", "cannot be read"}
	}
	var list []struct {
		BizID   string `json:"biz_id"`
		OutID   string `json:"out_id"`
		Success bool   `json:"success"`
		ErrCode string `json:"err_code"`
	}
	if err := json.Unmarshal(body, &list); err != nil || len(list) > 1000 {
		return nil, &InvalidError{"report", "is no list of reports"}
	}
	reports := make(map[string]*Report, len(list))
	for _, item := range list {
		report := &Report{ProviderID: item.BizID, State: "delivered"}
		if !item.Success {
			report.State, report.Code = "failed", printable(item.ErrCode)
		}
		reports[item.OutID] = report
	}
	return reports, nil
}
