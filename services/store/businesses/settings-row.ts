import type { Selectable } from 'kysely';
import {
  type BusinessSettingsInput,
  SETTING_DEFAULTS,
} from '../../../shared/protocol/business-requests.ts';
import type { BusinessSettings } from '../../../shared/protocol/business-shapes.ts';
import type { BusinessesTable } from '../database/schema.ts';

/** Returns the columns of settings. They replace all settings of before. */
export function toSettingsColumns(settings: BusinessSettingsInput) {
  const { hours, exceptions = [], away_message = '', ...rest } = settings;
  return {
    ...SETTING_DEFAULTS,
    ...rest,
    hours: hours === undefined ? null : JSON.stringify(hours),
    exceptions: JSON.stringify(exceptions),
    away_message: away_message.trim() === '' ? null : away_message,
  };
}

export function toSettings(row: Selectable<BusinessesTable>): BusinessSettings {
  const { assignment, capacity, time_zone, offline_grace_s, reassign_after_s } = row;
  const { hours, exceptions, away_message } = row;
  return {
    ...{ assignment, capacity, time_zone, offline_grace_s, reassign_after_s },
    ...(hours !== null && { hours }),
    ...(exceptions.length > 0 && { exceptions }),
    ...(away_message !== null && { away_message }),
  };
}
