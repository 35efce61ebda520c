import { Component, createRef } from 'preact';
import { Avatar } from '../../parts/avatar.tsx';
import { clockTime, dayLabel } from '../../parts/times.ts';
import type { Row } from '../log/rows.ts';
import { absentText, Bubble } from './bubble.tsx';
import type { ActionName, MessageActions } from './message-actions.ts';
import { Reactions } from './reactions.tsx';
import { markOf } from './status.ts';
import { isAutomaticReply } from './system-text.ts';
import { Toolbar } from './toolbar.tsx';

export type RowProps = Omit<Row, 'key'> & {
  isOwn: boolean;
  /** The message, or something in it, has the focus. */
  isActive: boolean;
  /** The Tab key leads from outside to this message. */
  isEntry: boolean;
  /** A reply has led to this message, which shines for a moment. */
  isFound: boolean;
  /** Others' messages have a name and a picture where there are several people. */
  hasSenders: boolean;
  senderName: string;
  avatarUrl: string | undefined;
  quotedName: string | undefined;
  /** A system message says this. */
  systemText: string | undefined;
  /** The names of what can be done, joined with spaces. */
  actionNames: string;
  canReact: boolean;
  actions: MessageActions;
};

/**
 * Draws one row of the log. A row is drawn again only when its own message or place has changed, so
 * a change costs the same in a long conversation.
 */
export class RowView extends Component<RowProps, { isHovered: boolean; isLow: boolean }> {
  override state = { isHovered: false, isLow: false };
  readonly #root = createRef<HTMLDivElement>();

  override shouldComponentUpdate(next: RowProps, state: RowView['state']): boolean {
    const names = Object.keys(next) as (keyof RowProps)[];
    return state !== this.state || names.some((name) => next[name] !== this.props[name]);
  }

  override componentDidUpdate({ isActive }: RowProps): void {
    if (this.props.isActive && !isActive) this.#place();
  }

  override render() {
    const { message, startsDay, isFirstNew, isFound, isEntry, isOwn, startsRun } = this.props;
    const { hasSenders, systemText } = this.props;
    const hasFace = hasSenders && !isOwn && systemText === undefined;
    const classes = [
      ...['row-message', isOwn && 'own', startsRun && 'starts-run'],
      ...[isFound && 'found', hasFace && 'has-face'],
    ];
    return (
      <div ref={this.#root} class="log-row">
        {startsDay && (
          <p class="day">
            <time dateTime={message.sent_at}>{dayLabel(message.sent_at)}</time>
          </p>
        )}
        {isFirstNew && <p class="new-line">New messages</p>}
        <article
          class={classes.filter(Boolean).join(' ')}
          aria-label={this.#label()}
          tabIndex={isEntry ? 0 : -1}
          onPointerEnter={() => this.#hover(true)}
          onPointerLeave={() => this.#hover(false)}
        >
          {systemText === undefined ? this.#bubble() : this.#system()}
        </article>
      </div>
    );
  }

  #system() {
    return (
      <p class="system" dir="auto">
        {this.props.systemText}
      </p>
    );
  }

  #bubble() {
    const { message, actions, isActive, quotedName, canReact, actionNames } = this.props;
    const names = actionNames.split(' ').filter(Boolean) as ActionName[];
    const tabIndex = isActive ? 0 : -1;
    const hasToolbar = names.length > 0 && (isActive || this.state.isHovered);
    return (
      <>
        {this.#sender()}
        <div class="bubble-line">
          <Bubble
            {...{ message, actions, tabIndex, quotedName }}
            isAutomatic={isAutomaticReply(message)}
          />
          {hasToolbar && (
            <Toolbar {...{ message, names, actions, canReact }} isLow={this.state.isLow} />
          )}
        </div>
        <Reactions
          reactions={message.reactions}
          isDisabled={!canReact}
          tabIndex={tabIndex}
          onToggle={(emoji, isMine) => actions.react(message, emoji, isMine)}
        />
      </>
    );
  }

  #sender() {
    const { isOwn, hasSenders, startsRun, senderName, avatarUrl, message } = this.props;
    if (isOwn || !hasSenders || !startsRun) return null;
    return (
      <>
        <Avatar id={message.sender_id} name={senderName} url={avatarUrl} />
        <p class="sender" dir="auto">
          {senderName}
        </p>
      </>
    );
  }

  #label(): string {
    const { message, systemText, senderName, isOwn } = this.props;
    if (systemText !== undefined) return systemText;
    const text = absentText(message) ?? message.content ?? '';
    const mark = markOf(message)?.label;
    const facts = [clockTime(message.sent_at), ...(mark ? [mark] : [])].join(', ');
    return `${isOwn ? 'You' : senderName}: ${text.slice(0, LABEL_UNITS_MAX)}, ${facts}`;
  }

  #hover(isHovered: boolean): void {
    // A menu of the row that is open stays, because the focus is in it.
    if (!isHovered && this.#root.current?.querySelector('.toolbar :focus')) return;
    if (isHovered) this.#place();
    this.setState((state) => ({ ...state, isHovered }));
  }

  #place(): void {
    const row = this.#root.current?.getBoundingClientRect();
    const log = this.#root.current?.closest('.log')?.getBoundingClientRect();
    const isLow = !!row && !!log && row.bottom > log.top + log.height / 2;
    this.setState((state) => ({ ...state, isLow }));
  }
}

const LABEL_UNITS_MAX = 500;
