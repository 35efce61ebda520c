import type { AgentStatus } from './requests.ts';

/** An interval begins and ends at these times (`HH:MM`), and may end on the next day. */
export type Interval = [from: string, to: string];
export type Weekday = 'mon' | 'tue' | 'wed' | 'thu' | 'fri' | 'sat' | 'sun';

export type BusinessSettings = {
  assignment: 'round_robin' | 'least_busy';
  /** An agent without a capacity of their own has so many conversations at once. */
  capacity: number;
  /** An IANA name, as `Asia/Kathmandu`. */
  time_zone: string;
  /** A business without hours is always open. */
  hours?: Partial<Record<Weekday, Interval[]>>;
  exceptions?: { date: string; intervals: Interval[] }[];
  away_message?: string;
  offline_grace_s: number;
  reassign_after_s: number;
};

/** A field that is left out has its default. */
export type BusinessSettingsInput = Partial<BusinessSettings> & { time_zone: string };

export type AgentInput = { user_id: string; role?: 'agent' | 'manager'; capacity?: number };

export type Agent = {
  user_id: string;
  role: 'agent' | 'manager';
  capacity?: number;
  status: AgentStatus;
  is_available: boolean;
  /** The agent has so many conversations now. */
  open: number;
};

export type AgentsPage = { agents: Agent[]; next_cursor: string | null };
