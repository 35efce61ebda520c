import type { NatsConnection } from 'nats';
import { TEST_QUEUE_SHARDS } from '../../dev/testing/common-stack.ts';
import { jetStreamApi, queueName, streams } from '../../shared/contracts/subjects.ts';
import { shardOf, type UserId } from '../../shared/ids.ts';
import { connectNats } from '../../shared/nats/nats-connection.ts';
import type { Person, System } from '../stage/stack.ts';

type QueueState = {
  num_pending: number;
  num_ack_pending: number;
  delivered: { consumer_seq: number; stream_seq: number };
};
type Device = { person: Person; deviceId: string };

/** Looks at device queues, and deletes them, without telling any service. */
export class DeviceQueues {
  readonly #nc: NatsConnection;

  private constructor(nc: NatsConnection) {
    this.#nc = nc;
  }

  static async open({ stack }: System): Promise<DeviceQueues> {
    const user = { natsUser: 'setup', instance: 'setup', nkeySeed: stack.seeds.setup ?? '' };
    return new DeviceQueues(await connectNats({ url: stack.urls.nats, ...user }));
  }

  /** Resolves with undefined where the device has no queue. */
  async state(device: Device): Promise<QueueState | undefined> {
    const answer = await this.#ask<QueueState & { error?: { code: number } }>('INFO', device);
    return answer.error?.code === 404 ? undefined : answer;
  }

  /** Resolves to whether there was a queue. */
  async lose(device: Device): Promise<boolean> {
    const answer = await this.#ask<{ success?: boolean }>('DELETE', device);
    return answer.success === true;
  }

  close(): Promise<void> {
    return this.#nc.close();
  }

  async #ask<Answer>(what: 'INFO' | 'DELETE', { person, deviceId }: Device): Promise<Answer> {
    const userId = person.id as UserId;
    const stream = streams.queue(shardOf(userId, TEST_QUEUE_SHARDS));
    const subject = jetStreamApi(`CONSUMER.${what}.${stream}.${queueName(userId, deviceId)}`);
    return (await this.#nc.request(subject)).json<Answer>();
  }
}
