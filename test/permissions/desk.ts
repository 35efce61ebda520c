/** A desk says in which state a conversation of a business is, and who has it or had it last. */
export type Desk = {
  businessId: string;
  customerId: string;
  state: 'waiting' | 'assigned' | 'closed';
  assigneeId?: string;
  lastId?: string;
};
type Viewer = { userId: string; role: 'agent' | 'manager' | undefined };

/** Managers read all. Agents read what waits, what they have, and what they closed. */
export function mayRead(desk: Desk, { userId, role }: Viewer): boolean {
  if (role !== 'agent') return role === 'manager';
  if (desk.state === 'waiting') return true;
  return userId === (desk.state === 'assigned' ? desk.assigneeId : desk.lastId);
}
