package users

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"

	"coder.internal/api"
	"coder.internal/coderd/audit"
	"coder.internal/coderd/rbac"
	"coder.internal/database"
)

var themeForm = regexp.MustCompile(`^[a-z0-9-]{0,64}$`)

// settingsOf returns the settings of a user, the defaults where none are kept.
func settingsOf(ctx context.Context, q *database.Queries, id api.ID) (database.UserSetting, error) {
	row, err := q.GetUserSettings(ctx, id)
	if database.IsNotFound(err) {
		return database.UserSetting{UserID: id, Preferences: json.RawMessage(`{}`)}, nil
	}
	if err != nil {
		return row, fmt.Errorf("load settings of user %s: %w", id, err)
	}
	return row, nil
}

// changeSettings runs fn on the locked settings, in one transaction with the entry
// of what differs. fn also changes the row that it is given.
func (s *Service) changeSettings(ctx context.Context, id api.ID, fn func(*database.Queries, *database.UserSetting) error) (database.UserSetting, error) {
	var row database.UserSetting
	err := s.opts.DB.InTx(ctx, func(q *database.Queries) error {
		before, err := s.lock(ctx, q, id)
		if err != nil {
			return err
		}
		if err := q.EnsureUserSettings(ctx, id); err != nil {
			return fmt.Errorf("make settings of user %s: %w", id, err)
		}
		if row, err = q.LockUserSettings(ctx, id); err != nil {
			return fmt.Errorf("lock settings of user %s: %w", id, err)
		}
		old := settingFields(row, before.ThemePreference)
		if err := fn(q, &row); err != nil {
			return err
		}
		after, err := q.GetUser(ctx, id)
		if err != nil {
			return fmt.Errorf("load user %s: %w", id, err)
		}
		fresh := settingFields(row, after.ThemePreference)
		return audit.Record(ctx, q, audit.Entry{Action: audit.Write, ResourceType: "user", ResourceID: id,
			Target: before.Username, StatusCode: http.StatusOK, Before: old, After: fresh})
	})
	return row, err
}

// settingFields are what the audit log shows of settings.
func settingFields(r database.UserSetting, theme string) map[string]any {
	return map[string]any{"theme_preference": theme, "theme_mode": r.ThemeMode, "theme_light": r.ThemeLight, "theme_dark": r.ThemeDark,
		"terminal_font": r.TerminalFont, "quiet_hours_schedule": r.QuietHoursSchedule, "preferences": r.Preferences}
}

// LoginType says how a user signs in.
func (s *Service) LoginType(ctx context.Context, ref string) (api.UserLoginType, error) {
	u, err := Load(ctx, s.opts.DB.Queries, rbac.ReadPersonal, ref)
	if err != nil {
		return api.UserLoginType{}, err
	}
	return api.UserLoginType{LoginType: api.LoginType(u.LoginType)}, nil
}

// Appearance returns how the dashboard looks for a user.
func (s *Service) Appearance(ctx context.Context, ref string) (api.UserAppearanceSettings, error) {
	u, err := Load(ctx, s.opts.DB.Queries, rbac.ReadPersonal, ref)
	if err != nil {
		return api.UserAppearanceSettings{}, err
	}
	row, err := settingsOf(ctx, s.opts.DB.Queries, u.ID)
	if err != nil {
		return api.UserAppearanceSettings{}, err
	}
	return toAppearance(row, u.ThemePreference), nil
}

func toAppearance(r database.UserSetting, theme string) api.UserAppearanceSettings {
	return api.UserAppearanceSettings{ThemePreference: theme, ThemeMode: r.ThemeMode, ThemeLight: r.ThemeLight,
		ThemeDark: r.ThemeDark, TerminalFont: r.TerminalFont}
}

// SetAppearance changes how the dashboard looks for a user. Enumerations are checked
// by the decoder.
func (s *Service) SetAppearance(ctx context.Context, ref string, req api.UpdateUserAppearanceSettingsRequest) (api.UserAppearanceSettings, error) {
	u, err := Load(ctx, s.opts.DB.Queries, rbac.UpdatePersonal, ref)
	if err != nil {
		return api.UserAppearanceSettings{}, err
	}
	if !themeForm.MatchString(req.ThemePreference) {
		return api.UserAppearanceSettings{}, api.Invalid("theme_preference", "use small letters, digits and hyphens, such as dark or auto.")
	}
	row, err := s.changeSettings(ctx, u.ID, func(q *database.Queries, r *database.UserSetting) error {
		r.TerminalFont = req.TerminalFont
		for _, f := range []struct{ to, from *string }{{&r.ThemeMode, req.ThemeMode}, {&r.ThemeLight, req.ThemeLight}, {&r.ThemeDark, req.ThemeDark}} {
			if f.from != nil {
				*f.to = *f.from
			}
		}
		if err := q.UpdateUserTheme(ctx, database.UpdateUserThemeParams{ID: u.ID, ThemePreference: req.ThemePreference}); err != nil {
			return fmt.Errorf("set theme of user %s: %w", u.ID, err)
		}
		return q.UpdateUserAppearance(ctx, database.UpdateUserAppearanceParams{UserID: u.ID, ThemeMode: r.ThemeMode,
			ThemeLight: r.ThemeLight, ThemeDark: r.ThemeDark, TerminalFont: r.TerminalFont})
	})
	if err != nil {
		return api.UserAppearanceSettings{}, err
	}
	return toAppearance(row, req.ThemePreference), nil
}

// Preferences returns what the dashboard remembers of a user.
func (s *Service) Preferences(ctx context.Context, ref string) (api.UserPreferenceSettings, error) {
	u, err := Load(ctx, s.opts.DB.Queries, rbac.ReadPersonal, ref)
	if err != nil {
		return api.UserPreferenceSettings{}, err
	}
	row, err := settingsOf(ctx, s.opts.DB.Queries, u.ID)
	if err != nil {
		return api.UserPreferenceSettings{}, err
	}
	return toPreferences(row)
}

func toPreferences(r database.UserSetting) (api.UserPreferenceSettings, error) {
	no, auto, enter := false, "auto", "enter"
	p := api.UserPreferenceSettings{TaskNotificationAlertDismissed: &no, ThinkingDisplayMode: &auto, ShellToolDisplayMode: &auto,
		CodeDiffDisplayMode: &auto, AgentChatSendShortcut: &enter}
	if err := json.Unmarshal(r.Preferences, &p); err != nil {
		return p, fmt.Errorf("decode preferences of user %s: %w", r.UserID, err)
	}
	return p, nil
}

// SetPreferences changes the fields that the request has.
func (s *Service) SetPreferences(ctx context.Context, ref string, req api.UserPreferenceSettings) (api.UserPreferenceSettings, error) {
	u, err := Load(ctx, s.opts.DB.Queries, rbac.UpdatePersonal, ref)
	if err != nil {
		return api.UserPreferenceSettings{}, err
	}
	row, err := s.changeSettings(ctx, u.ID, func(q *database.Queries, r *database.UserSetting) error {
		var kept api.UserPreferenceSettings
		if err := json.Unmarshal(r.Preferences, &kept); err != nil {
			return fmt.Errorf("decode preferences of user %s: %w", u.ID, err)
		}
		change, err := json.Marshal(req) // without what is absent
		if err != nil {
			return fmt.Errorf("encode preferences: %w", err)
		}
		if err := json.Unmarshal(change, &kept); err != nil {
			return fmt.Errorf("merge preferences: %w", err)
		}
		if r.Preferences, err = json.Marshal(kept); err != nil {
			return fmt.Errorf("encode preferences: %w", err)
		}
		return q.UpdateUserPreferences(ctx, database.UpdateUserPreferencesParams{UserID: u.ID, Preferences: r.Preferences})
	})
	if err != nil {
		return api.UserPreferenceSettings{}, err
	}
	return toPreferences(row)
}
