import { createECDH, randomBytes } from 'node:crypto';
import t from 'tap';
import { decrypt } from '../../../../dev/push/decrypt.ts';
import { encrypt } from './encrypt.ts';

const bytes = (text: string): Buffer => Buffer.from(text, 'base64url');

t.test('the example of RFC 8291 comes out, to the last byte', async (t) => {
  const keys = {
    p256dh: bytes(
      'BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4',
    ),
    auth: bytes('BTBZMqHH6r4Tts7J_aSIgg'),
  };
  const ephemeral = {
    salt: bytes('DGv6ra1nlYgDCS1FRnbzlw'),
    privateKey: bytes('yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw'),
  };
  const text = Buffer.from('When I grow up, I want to be a watermelon');
  const expected = [
    'DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vC',
    'YLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXL',
    'WyouBWLVWGNWQexSgSxsj_Qulcy4a-fN',
  ].join('');
  t.equal(encrypt(text, keys, ephemeral).toString('base64url'), expected);
});

t.test('a browser reads what was encrypted for it, and another one does not', async (t) => {
  const draw = () => {
    const ecdh = createECDH('prime256v1');
    const p256dh = ecdh.generateKeys();
    return { p256dh, privateKey: ecdh.getPrivateKey(), auth: randomBytes(16) };
  };
  const [browser, other] = [draw(), draw()];
  const text = Buffer.from('नमस्ते 👨‍👩‍👧');
  const body = encrypt(text, browser);
  t.same(await decrypt(body, browser), text);
  await t.rejects(decrypt(body, other));
  await t.rejects(decrypt(body, { ...browser, auth: other.auth }));
  t.not(encrypt(text, browser).toString('hex'), body.toString('hex'), 'no two are alike');
  t.throws(() => encrypt(text, { ...browser, p256dh: Buffer.alloc(65, 4) }));
});
