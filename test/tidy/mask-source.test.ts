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

t.test('strings are blank, whatever is in them', async (t) => {
  t.equal(mask(`a('it\\'s {', "//", x);`), `a("       ", "  ", x);`);
});

t.test('the code in a template stays, nested templates and braces too', async (t) => {
  t.equal(mask(`\`a {\${b} c\`;`), '"    (b)  ";');
  t.equal(mask(`\`\${{ a: \`\${b}}\` }}}\`;`), '" ({ a: " (b) " }) ";');
});

t.test('a regular expression is blank, a division is not one', async (t) => {
  t.equal(mask('x = /[/"{]\\//g;'), 'x = /       /g;');
  t.equal(mask('x = a / b / c;'), 'x = a / b / c;');
  t.equal(mask("return /'/.test(a) ? (b) / 2 : '{';"), 'return / /.test(a) ? (b) / 2 : " ";');
});
