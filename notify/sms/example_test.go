package sms_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"testing/fstest"

	"github.com/seed82d84382/commerce/notify"
	"github.com/seed82d84382/commerce/notify/sms"
	"github.com/seed82d84382/commerce/notify/templates"
)

func ExampleNewHTTP() {
	provider := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer key" {
			w.WriteHeader(http.StatusUnauthorized)
		}
	}))
	defer provider.Close()
	message := &sms.Message{ID: "order-1001", To: "+8613800138000", Text: "Your order is on its way."}

	sender, _ := sms.NewHTTP(provider.URL, &sms.HTTPOptions{Header: http.Header{"Authorization": {"Bearer key"}}})
	fmt.Println(sender.Send(context.Background(), message))

	wrong, _ := sms.NewHTTP(provider.URL, nil)
	err := wrong.Send(context.Background(), message)
	fmt.Println(err, notify.IsPermanent(err))
	// Output:
	// <nil>
	// sms: the provider answered 401 true
}

func ExampleNewTexter() {
	set, _ := templates.Parse(fstest.MapFS{
		"shipped.en.txt": {Data: []byte("Order {{.Number}} is on its way.")},
		"shipped.zh.txt": {Data: []byte("订单 {{.Number}} 已发货。")},
	}, nil)
	texter := sms.NewTexter(sms.NewConsole(os.Stdout), set)
	err := texter.Send(context.Background(), "", sms.Text{
		To: "+8613800138000", Template: "shipped", Locale: "zh-CN", Data: templates.Data{"Number": 1001},
	})
	fmt.Println(err)
	// Output:
	// SMS to +8613800138000: 订单 1001 已发货。
	// <nil>
}
