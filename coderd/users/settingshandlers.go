package users

import (
	"context"

	"coder.internal/api"
	"coder.internal/coderd/httpapi"
)

// HandleLoginType: GET /users/{user}/login-type.
func (s *Service) HandleLoginType(ctx context.Context, in *UserPath) (*httpapi.Out[api.UserLoginType], error) {
	return httpapi.Reply(s.LoginType(ctx, in.User))
}

// HandleAppearance: GET /users/{user}/appearance.
func (s *Service) HandleAppearance(ctx context.Context, in *UserPath) (*httpapi.Out[api.UserAppearanceSettings], error) {
	return httpapi.Reply(s.Appearance(ctx, in.User))
}

// HandleSetAppearance: PUT /users/{user}/appearance.
func (s *Service) HandleSetAppearance(ctx context.Context, in *struct {
	UserPath
	Body api.UpdateUserAppearanceSettingsRequest
}) (*httpapi.Out[api.UserAppearanceSettings], error) {
	return httpapi.Reply(s.SetAppearance(ctx, in.User, in.Body))
}

// HandlePreferences: GET /users/{user}/preferences.
func (s *Service) HandlePreferences(ctx context.Context, in *UserPath) (*httpapi.Out[api.UserPreferenceSettings], error) {
	return httpapi.Reply(s.Preferences(ctx, in.User))
}

// HandleSetPreferences: PUT /users/{user}/preferences.
func (s *Service) HandleSetPreferences(ctx context.Context, in *struct {
	UserPath
	Body api.UserPreferenceSettings
}) (*httpapi.Out[api.UserPreferenceSettings], error) {
	return httpapi.Reply(s.SetPreferences(ctx, in.User, in.Body))
}

// HandleQuietHours: GET /users/{user}/quiet-hours.
func (s *Service) HandleQuietHours(ctx context.Context, in *UserPath) (*httpapi.Out[api.UserQuietHours], error) {
	return httpapi.Reply(s.QuietHours(ctx, in.User))
}

// HandleSetQuietHours: PUT /users/{user}/quiet-hours.
func (s *Service) HandleSetQuietHours(ctx context.Context, in *struct {
	UserPath
	Body api.UpdateUserQuietHoursRequest
}) (*httpapi.Out[api.UserQuietHours], error) {
	return httpapi.Reply(s.SetQuietHours(ctx, in.User, in.Body))
}
