package sms

import (
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/seed82d84382/commerce/notify"
	"github.com/stretchr/testify/require"
)

// canned answers every request alike and keeps the last one.
type canned struct {
	status int
	body   string
	form   url.Values
	path   string
	user   string
	pass   string
}

func (c *canned) start(t *testing.T) string {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		c.form, _ = url.ParseQuery(string(body))
		c.path = r.URL.Path
		c.user, c.pass, _ = r.BasicAuth()
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(c.status)
		_, _ = io.WriteString(w, c.body)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func TestTwilio(t *testing.T) {
	t.Parallel()
	// The answers are those of Twilio's documentation of the Message resource.
	c := &canned{status: 201, body: `{"account_sid":"AC1","body":"Hi","direction":"outbound-api","error_code":null,"from":"+15557122661","sid":"SM1f0e8ae6ade43cb3c0ce4525424e404f","status":"queued","to":"+15558675310"}`}
	s, err := NewTwilio(&TwilioOptions{AccountSID: "AC1", AuthToken: "topsecret", From: "+15557122661", StatusCallback: "https://shop.example/sms", Endpoint: c.start(t)})
	require.NoError(t, err)
	m := &Message{ID: "job-1", To: "+15558675310", Text: "Hi 你好 & =+"}
	id, err := s.Submit(t.Context(), m)
	require.NoError(t, err)
	require.Equal(t, "SM1f0e8ae6ade43cb3c0ce4525424e404f", id)
	require.Equal(t, "/2010-04-01/Accounts/AC1/Messages.json", c.path)
	require.Equal(t, "AC1 topsecret", c.user+" "+c.pass)
	require.Equal(t, url.Values{"To": {m.To}, "From": {"+15557122661"}, "Body": {m.Text}, "StatusCallback": {"https://shop.example/sms"}}, c.form)
	for body, want := range map[string]struct {
		status    int
		permanent bool
	}{
		`{"code":21211,"message":"The 'To' number +15558675310 is not a valid phone number.","more_info":"https://www.twilio.com/docs/errors/21211","status":400}`: {400, true},
		`{"code":21610,"message":"Attempt to send to unsubscribed recipient","status":400}`:                                                                        {400, true},
		`{"code":20429,"message":"Too many requests","status":429}`:                                                                                                {429, false},
		`{"code":20003,"message":"Authenticate","status":401}`:                                                                                                     {401, false},
		`<html>Bad gateway</html>`: {502, false},
	} {
		c.status, c.body = want.status, body
		err := s.Send(t.Context(), m)
		failure, ok := errors.AsType[*ProviderError](err)
		require.True(t, ok, body)
		require.Equal(t, want.status, failure.Status)
		require.Equal(t, want.permanent, notify.IsPermanent(err), body)
		require.NotContains(t, err.Error(), "15558675310")
		require.NotContains(t, err.Error(), "topsecret")
	}
	for name, o := range map[string]*TwilioOptions{
		"none": nil, "sid": {AccountSID: "a/b", AuthToken: "x", From: "y"}, "token": {AccountSID: "a", From: "y"}, "from": {AccountSID: "a", AuthToken: "x"},
		"endpoint": {AccountSID: "a", AuthToken: "x", From: "y", Endpoint: "ftp://x"},
	} {
		_, err := NewTwilio(o)
		require.ErrorIs(t, err, ErrInvalid, name)
	}
}

// TestTwilioSignature is the example of Twilio's documentation of request validation.
func TestTwilioSignature(t *testing.T) {
	t.Parallel()
	form := url.Values{"CallSid": {"CA1234567890ABCDE"}, "Caller": {"+12349013030"}, "Digits": {"1234"}, "From": {"+12349013030"}, "To": {"+18005551212"}}
	const address = "https://mycompany.com/myapp.php?foo=1&bar=2"
	r := func(signature string, form url.Values) *http.Request {
		r := httptest.NewRequest(http.MethodPost, "/sms", strings.NewReader(form.Encode()))
		r.Header.Set("X-Twilio-Signature", signature)
		return r
	}
	_, err := TwilioStatus(r("0/KCTR6DLpKmkAf8muzZqo1nDgQ=", form), "12345", address)
	require.NoError(t, err)
	form.Set("Digits", "1235")
	_, err = TwilioStatus(r("0/KCTR6DLpKmkAf8muzZqo1nDgQ=", form), "12345", address)
	require.ErrorIs(t, err, ErrSignature)
	_, err = TwilioStatus(r("", form), "", address)
	require.ErrorIs(t, err, ErrSignature)
}

// TestAliyunSignature is the example of Aliyun's documentation of the RPC signature.
func TestAliyunSignature(t *testing.T) {
	t.Parallel()
	form := url.Values{
		"AccessKeyId": {"testid"}, "Action": {"DescribeRegions"}, "Format": {"XML"}, "SignatureMethod": {"HMAC-SHA1"},
		"SignatureNonce": {"3ee8c1b8-83d3-44af-a94f-4e0ad82fd6cf"}, "SignatureVersion": {"1.0"}, "Timestamp": {"2016-02-23T12:46:24Z"}, "Version": {"2014-05-26"},
	}
	require.Equal(t, "OLeaidS1JvxuMvnyHOwuJ+uX5qY=", aliyunSignature("testsecret", http.MethodGet, form))
	require.Equal(t, "a%20b%2A~%2F%E4%BD%A0", aliyunEscape("a b*~/你"))
}

func TestAliyun(t *testing.T) {
	t.Parallel()
	c := &canned{status: 200, body: `{"Message":"OK","RequestId":"F655A8D5-B967-440B-8683-DAD6FF8DE990","Code":"OK","BizId":"900619746936498440^0"}`}
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	s, err := NewAliyun(&AliyunOptions{
		AccessKeyID: "testid", AccessKeySecret: "topsecret", SignName: "小店", Templates: map[string]string{"code.zh": "SMS_1", "code": "SMS_2"},
		Endpoint: c.start(t), Now: func() time.Time { return now }, nonce: func() string { return "n" },
	})
	require.NoError(t, err)
	m := &Message{ID: "job-1", To: "+8613800138000", Template: "code", Locale: "zh", Params: map[string]string{"code": "012345"}}
	id, err := s.Submit(t.Context(), m)
	require.NoError(t, err)
	require.Equal(t, "900619746936498440^0", id)
	signature := c.form.Get("Signature")
	c.form.Del("Signature")
	require.Equal(t, aliyunSignature("topsecret", http.MethodPost, c.form), signature)
	require.Equal(t, url.Values{
		"Action": {"SendSms"}, "Version": {"2017-05-25"}, "RegionId": {"cn-hangzhou"}, "Format": {"JSON"}, "PhoneNumbers": {"13800138000"},
		"SignName": {"小店"}, "TemplateCode": {"SMS_1"}, "TemplateParam": {`{"code":"012345"}`}, "OutId": {"job-1"}, "AccessKeyId": {"testid"},
		"SignatureMethod": {"HMAC-SHA1"}, "SignatureVersion": {"1.0"}, "SignatureNonce": {"n"}, "Timestamp": {"2026-01-02T03:04:05Z"},
	}, c.form)
	require.NoError(t, s.Send(t.Context(), &Message{To: "+447700900123", Template: "code", Locale: "en"}))
	require.Equal(t, "447700900123 SMS_2", c.form.Get("PhoneNumbers")+" "+c.form.Get("TemplateCode"))
	require.ErrorIs(t, s.Send(t.Context(), &Message{To: m.To, Template: "unknown"}), ErrInvalid)
	for code, permanent := range map[string]bool{
		"isv.BUSINESS_LIMIT_CONTROL": false, "isv.MOBILE_NUMBER_ILLEGAL": true, "SignatureDoesNotMatch": true, "Throttling.User": false, "isv.AMOUNT_NOT_ENOUGH": false,
	} {
		c.body = `{"Message":"+8613800138000 refused","Code":"` + code + `"}`
		err := s.Send(t.Context(), m)
		require.Equal(t, permanent, notify.IsPermanent(err), code)
		require.ErrorContains(t, err, code)
		require.NotContains(t, err.Error(), "138")
	}
	for name, o := range map[string]*AliyunOptions{
		"none": nil, "secret": {AccessKeyID: "a", SignName: "x", Templates: map[string]string{"a": "b"}}, "sign": {AccessKeyID: "a", AccessKeySecret: "b", Templates: map[string]string{"a": "b"}},
		"templates": {AccessKeyID: "a", AccessKeySecret: "b", SignName: "x"},
	} {
		_, err := NewAliyun(o)
		require.ErrorIs(t, err, ErrInvalid, name)
	}
}

func TestReports(t *testing.T) {
	t.Parallel()
	form := url.Values{"MessageSid": {"SM1"}, "MessageStatus": {"undelivered"}, "ErrorCode": {"30003"}}
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(form.Encode()))
	r.Header.Set("X-Twilio-Signature", base64.StdEncoding.EncodeToString(twilioSignature("t", "https://shop.example/sms", form)))
	report, err := TwilioStatus(r, "t", "https://shop.example/sms")
	require.NoError(t, err)
	require.Equal(t, &Report{ProviderID: "SM1", State: "failed", Code: "30003"}, report)

	body := `[{"phone_number":"13800138000","send_time":"2026-01-01 11:12:13","report_time":"2026-01-02 11:12:13","success":true,"err_code":"DELIVERED","biz_id":"1^0","out_id":"job-1"},
		{"success":false,"err_code":"MK:\n0001","biz_id":"2^0","out_id":"job-2"}]`
	reports, err := AliyunStatus(httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body)))
	require.NoError(t, err)
	require.Equal(t, map[string]*Report{"job-1": {ProviderID: "1^0", State: "delivered"}, "job-2": {ProviderID: "2^0", State: "failed", Code: "MK:0001"}}, reports)
	_, err = AliyunStatus(httptest.NewRequest(http.MethodPost, "/", strings.NewReader("{")))
	require.ErrorIs(t, err, ErrInvalid)
}
