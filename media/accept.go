package media

import (
	"strconv"
	"strings"
)

// acceptsWebP reports whether an Accept header (RFC 9110, section 12.5.1) names WebP with a weight above zero. Wildcards do not
// count: programs that cannot show WebP send them too.
func acceptsWebP(lines []string) bool {
	for _, line := range lines {
		for item := range strings.SplitSeq(line, ",") {
			mediaRange, parameters, _ := strings.Cut(item, ";")
			if strings.EqualFold(strings.Trim(mediaRange, " \t"), WebP) && !refused(parameters) {
				return true
			}
		}
	}
	return false
}

// refused reports whether the parameters of a media range weigh it zero, or make no sense.
func refused(parameters string) bool {
	for parameter := range strings.SplitSeq(parameters, ";") {
		name, value, _ := strings.Cut(strings.Trim(parameter, " \t"), "=")
		if strings.EqualFold(name, "q") {
			weight, err := strconv.ParseFloat(value, 64)
			return err != nil || !(weight > 0 && weight <= 1) // NaN too
		}
	}
	return false
}
