package api

import "time"

// UserLoginType is the way a user signs in.
type UserLoginType struct {
	LoginType LoginType `json:"login_type"`
}

// UserAppearanceSettings are how the dashboard looks for a user.
type UserAppearanceSettings struct {
	ThemePreference string `json:"theme_preference"`
	ThemeMode       string `json:"theme_mode"`
	ThemeLight      string `json:"theme_light"`
	ThemeDark       string `json:"theme_dark"`
	TerminalFont    string `json:"terminal_font"`
}

// UpdateUserAppearanceSettingsRequest replaces the appearance. Fields that were
// added later keep their value where they are absent.
type UpdateUserAppearanceSettingsRequest struct {
	ThemePreference string  `json:"theme_preference" maxLength:"64"`
	TerminalFont    string  `json:"terminal_font" enum:",geist-mono,ibm-plex-mono,fira-code,source-code-pro,jetbrains-mono"`
	ThemeMode       *string `json:"theme_mode,omitempty" enum:",sync,single"`
	ThemeLight      *string `json:"theme_light,omitempty" enum:",light,light-protan-deuter,light-tritan,dark,dark-protan-deuter,dark-tritan"`
	ThemeDark       *string `json:"theme_dark,omitempty" enum:",light,light-protan-deuter,light-tritan,dark,dark-protan-deuter,dark-tritan"`
}

// UserQuietHours are the hours in which maintenance may stop a user's workspaces.
type UserQuietHours struct {
	// RawSchedule is a daily schedule, such as "CRON_TZ=Europe/Berlin 0 2 * * *".
	RawSchedule string `json:"raw_schedule"`
	// UserSet is false where the deployment's default holds.
	UserSet bool `json:"user_set"`
	// UserCanSet is false where the deployment lets nobody choose.
	UserCanSet bool `json:"user_can_set"`
	// Time is the time of day as HH:mm in Timezone.
	Time     string    `json:"time"`
	Timezone string    `json:"timezone"`
	Next     time.Time `json:"next"`
}

// UpdateUserQuietHoursRequest sets the schedule; "" returns to the default.
type UpdateUserQuietHoursRequest struct {
	Schedule string `json:"schedule" maxLength:"128"`
}

// UserPreferenceSettings are what the dashboard remembers of a user. As a request,
// fields that are absent keep their value.
type UserPreferenceSettings struct {
	TaskNotificationAlertDismissed *bool   `json:"task_notification_alert_dismissed,omitempty"`
	ThinkingDisplayMode            *string `json:"thinking_display_mode,omitempty" enum:"auto,preview,always_expanded,always_collapsed"`
	ShellToolDisplayMode           *string `json:"shell_tool_display_mode,omitempty" enum:"auto,always_expanded,always_collapsed"`
	CodeDiffDisplayMode            *string `json:"code_diff_display_mode,omitempty" enum:"auto,always_expanded,always_collapsed"`
	AgentChatSendShortcut          *string `json:"agent_chat_send_shortcut,omitempty" enum:"enter,modifier_enter"`
}
