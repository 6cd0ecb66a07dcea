package users

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"coder.internal/api"
	"coder.internal/coderd/rbac"
	"coder.internal/database"
)

// QuietHours is what an operator sets.
type QuietHours struct {
	// Default is a daily schedule, such as "CRON_TZ=UTC 0 0 * * *".
	Default string
	// Locked keeps users from choosing their own.
	Locked bool
}

// DefaultQuietHours begin at midnight UTC, and everybody may choose others.
func DefaultQuietHours() QuietHours { return QuietHours{Default: "CRON_TZ=UTC 0 0 * * *"} }

// Validate says what is wrong with the default.
func (q QuietHours) Validate() error {
	if _, err := parseDaily(q.Default); err != nil {
		return fmt.Errorf("option --default-quiet-hours-schedule: %w", err)
	}
	return nil
}

// daily is a time of day.
type daily struct {
	hour, minute int
	zone         *time.Location
}

// parseDaily reads "CRON_TZ=<zone> <minute> <hour> * * *"; without a zone it is UTC.
func parseDaily(text string) (daily, error) {
	d := daily{zone: time.UTC}
	fields := strings.Fields(text)
	if len(fields) > 0 {
		name, ok := strings.CutPrefix(fields[0], "CRON_TZ=")
		if !ok {
			name, ok = strings.CutPrefix(fields[0], "TZ=")
		}
		if ok {
			zone, err := time.LoadLocation(name)
			if err != nil || name == "" || name == "Local" {
				return d, fmt.Errorf("%.64q is no time zone; use a name such as Europe/Berlin or UTC", name)
			}
			d.zone, fields = zone, fields[1:]
		}
	}
	if len(fields) != 5 || fields[2] != "*" || fields[3] != "*" || fields[4] != "*" {
		return d, errors.New(`write a minute and an hour of every day, such as "CRON_TZ=Europe/Berlin 30 2 * * *"`)
	}
	var errMinute, errHour error
	d.minute, errMinute = strconv.Atoi(fields[0])
	d.hour, errHour = strconv.Atoi(fields[1])
	if errMinute != nil || errHour != nil || d.minute < 0 || d.minute > 59 || d.hour < 0 || d.hour > 23 {
		return d, errors.New("the minute is a number from 0 to 59 and the hour one from 0 to 23")
	}
	return d, nil
}

// next returns the first moment after now at which the time of day comes.
func (d daily) next(now time.Time) time.Time {
	local := now.In(d.zone)
	for day := 0; ; day++ {
		// A day on which clocks jump over the hour has it an hour later.
		at := time.Date(local.Year(), local.Month(), local.Day()+day, d.hour, d.minute, 0, 0, d.zone)
		if at.After(now) {
			return at
		}
	}
}

// QuietHours returns the schedule of a user.
func (s *Service) QuietHours(ctx context.Context, ref string) (api.UserQuietHours, error) {
	u, err := Load(ctx, s.opts.DB.Queries, rbac.ReadPersonal, ref)
	if err != nil {
		return api.UserQuietHours{}, err
	}
	row, err := settingsOf(ctx, s.opts.DB.Queries, u.ID)
	if err != nil {
		return api.UserQuietHours{}, err
	}
	return s.toQuietHours(row)
}

func (s *Service) toQuietHours(row database.UserSetting) (api.UserQuietHours, error) {
	raw := s.opts.QuietHours.Default
	own := row.QuietHoursSchedule != "" && !s.opts.QuietHours.Locked
	if own {
		raw = row.QuietHoursSchedule
	}
	d, err := parseDaily(raw)
	if err != nil {
		return api.UserQuietHours{}, fmt.Errorf("schedule of user %s: %w", row.UserID, err)
	}
	return api.UserQuietHours{RawSchedule: raw, UserSet: own, UserCanSet: !s.opts.QuietHours.Locked,
		Time: fmt.Sprintf("%02d:%02d", d.hour, d.minute), Timezone: d.zone.String(), Next: d.next(s.opts.Clock.Now()).UTC()}, nil
}

// SetQuietHours changes the schedule of a user; an empty one is the deployment's.
func (s *Service) SetQuietHours(ctx context.Context, ref string, req api.UpdateUserQuietHoursRequest) (api.UserQuietHours, error) {
	u, err := Load(ctx, s.opts.DB.Queries, rbac.UpdatePersonal, ref)
	if err != nil {
		return api.UserQuietHours{}, err
	}
	if s.opts.QuietHours.Locked {
		return api.UserQuietHours{}, &api.Error{Code: api.CodeForbidden, Message: "This deployment sets the quiet hours for everybody."}
	}
	schedule := strings.Join(strings.Fields(req.Schedule), " ")
	if schedule != "" {
		if _, err := parseDaily(schedule); err != nil {
			return api.UserQuietHours{}, api.Invalid("schedule", err.Error()+".")
		}
	}
	row, err := s.changeSettings(ctx, u.ID, func(q *database.Queries, now *database.UserSetting) error {
		now.QuietHoursSchedule = schedule
		return q.UpdateUserQuietHours(ctx, database.UpdateUserQuietHoursParams{UserID: u.ID, QuietHoursSchedule: schedule})
	})
	if err != nil {
		return api.UserQuietHours{}, err
	}
	return s.toQuietHours(row)
}
