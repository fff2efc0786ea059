package web

import "strings"

// deviceName turns a User-Agent header into what a person would call the
// device, such as "Firefox, Windows". It is only ever shown, never decided by.
func deviceName(userAgent string) string {
	browser := firstMatch(userAgent, [][2]string{
		{"Edg", "Edge"}, {"OPR/", "Opera"}, {"MicroMessenger/", "WeChat"}, {"SamsungBrowser/", "Samsung Internet"},
		{"Firefox/", "Firefox"}, {"FxiOS/", "Firefox"}, {"Chrome/", "Chrome"}, {"CriOS/", "Chrome"}, {"Safari/", "Safari"},
	})
	system := firstMatch(userAgent, [][2]string{
		{"iPhone", "iPhone"}, {"iPad", "iPad"}, {"Android", "Android"}, {"Windows", "Windows"},
		{"Mac OS X", "Mac"}, {"CrOS", "Chromebook"}, {"Linux", "Linux"},
	})
	switch {
	case browser != "" && system != "":
		return browser + ", " + system
	case browser != "" || system != "":
		return browser + system
	}
	product, _, _ := strings.Cut(userAgent, " ")
	product, _, _ = strings.Cut(product, "/")
	if len(product) > 40 {
		product = product[:40]
	}
	return strings.ToValidUTF8(product, "")
}

func firstMatch(s string, names [][2]string) string {
	for _, n := range names {
		if strings.Contains(s, n[0]) {
			return n[1]
		}
	}
	return ""
}
