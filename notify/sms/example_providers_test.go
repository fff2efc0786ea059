package sms_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"

	"github.com/seed82d84382/commerce/notify/sms"
)

func ExampleNewTwilio() {
	twilio := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { // stands in for api.twilio.com
		w.WriteHeader(http.StatusCreated)
		_, _ = io.WriteString(w, `{"sid":"SM1","status":"queued"}`)
	}))
	defer twilio.Close()
	sender, err := sms.NewTwilio(&sms.TwilioOptions{AccountSID: "AC1", AuthToken: "…", From: "+15557122661", Endpoint: twilio.URL})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(sender.Submit(context.Background(), &sms.Message{To: "+15558675310", Text: "Hello"}))
	// Output:
	// SM1 <nil>
}

func ExampleNewAliyun() {
	aliyun := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { // stands in for dysmsapi.aliyuncs.com
		_, _ = io.WriteString(w, `{"Code":"OK","BizId":"1^0"}`)
	}))
	defer aliyun.Close()
	sender, err := sms.NewAliyun(&sms.AliyunOptions{
		AccessKeyID: "…", AccessKeySecret: "…", SignName: "小店", Templates: map[string]string{"code": "SMS_1"}, Endpoint: aliyun.URL,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(sender.Submit(context.Background(), &sms.Message{To: "+8613800138000", Template: "code", Params: map[string]string{"code": "012345"}}))
	// Output:
	// 1^0 <nil>
}
