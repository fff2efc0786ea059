package shop

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/seed82d84382/commerce/examples/storefront/i18n"
	"github.com/seed82d84382/commerce/notify"
	"github.com/seed82d84382/commerce/notify/otp"
)

const loginPurpose = "login"

// SendCode texts a log-in code to a phone number. CodeWait tells the error of
// asking too soon apart.
func (s *Shop) SendCode(ctx context.Context, phone, address string, lang i18n.Language) error {
	code, err := s.codes.Issue(ctx, otp.Request{Purpose: loginPurpose, Target: phone, IP: address})
	if err != nil {
		return err
	}
	validFor := code.ExpiresAt.Sub(s.now())
	_, err = sendCode.Enqueue(ctx, s.jobs, codeJob{
		Phone: phone, Locale: string(lang), Minutes: int(validFor.Round(time.Minute).Minutes()), Sealed: s.sealer.seal(code.Value, phone),
	}, notify.Priority(9), notify.ExpireAfter(validFor))
	if err != nil {
		// A code that cannot be sent must not keep the next one waiting.
		return errors.Join(err, s.codes.Cancel(ctx, loginPurpose, phone))
	}
	return nil
}

// CodeWait says how long until another code may be asked for, when that is what err is about.
func CodeWait(err error) (time.Duration, bool) {
	if limited, ok := errors.AsType[*otp.LimitError](err); ok {
		return limited.RetryAfter, true
	}
	return 0, false
}

// VerifyCode uses up the code of a phone number. A wrong one is an *InvalidError
// that says no more than the shopper needs.
func (s *Shop) VerifyCode(ctx context.Context, phone, address, code string) error {
	err := s.codes.Verify(ctx, otp.Attempt{Purpose: loginPurpose, Target: phone, IP: address, Code: code})
	mismatch, wrong := errors.AsType[*otp.MismatchError](err)
	switch {
	case err == nil:
		return nil
	case wrong && mismatch.Remaining == 0, errors.Is(err, otp.ErrLimited):
		return &InvalidError{Field: "code", Reason: "error.code.attempts"}
	case wrong, errors.Is(err, otp.ErrNoCode), errors.Is(err, otp.ErrInvalid):
		return &InvalidError{Field: "code", Reason: "error.code"}
	}
	return fmt.Errorf("shop: verify code: %w", err)
}
