import t from 'tap';
import { maskSource } from './mask-source.ts';

const mask = (text: string): string => {
  const { code, comments } = maskSource(text);
  t.equal(code.length, text.length, 'offsets stay');
  t.equal(comments.length, text.length, 'offsets stay');
  return code;
};

t.test('comments are blank in the code and alone in the comments', async (t) => {
  const text = 'a(); // b() {\n/* c\n{ */ d();';
  t.equal(mask(text), 'a();         \n    \n     d();');
  t.equal(maskSource(text).comments, '     // b() {\n/* c\n{ */     ');
});

t.test('strings are blank, whatever they hold', async (t) => {
  t.equal(mask(`a('it\\'s {', "//", x);`), `a("       ", "  ", x);`);
});

t.test('the code in a template stays, even with nested templates and braces', async (t) => {
  t.equal(mask(`\`a {\${b} c\`;`), '"    (b)  ";');
  t.equal(mask(`\`\${{ a: \`\${b}}\` }}}\`;`), '" ({ a: " (b) " }) ";');
});

t.test('a regular expression is blank, and a division is not taken for one', async (t) => {
  t.equal(mask('x = /[/"{]\\//g;'), 'x = /       /g;');
  t.equal(mask('x = a / b / c;'), 'x = a / b / c;');
  t.equal(mask("return /'/.test(a) ? (b) / 2 : '{';"), 'return / /.test(a) ? (b) / 2 : " ";');
});

t.test(
  'tags and the text between them begin neither a string nor a regular expression',
  async (t) => {
    const kept = ["<p>don't</p>;", '<Icon size={2} />;', '<br />;', "<p>{a}</p>; it's;"];
    for (const text of kept) t.equal(mask(text), text);
    t.equal(mask(`<a href="//b">c's</a>;`), `<a href="   ">c's</a>;`);
  },
);
