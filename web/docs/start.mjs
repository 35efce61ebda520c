import SwaggerUI from 'swagger-ui-dist/swagger-ui-es-bundle.js';

/** Swagger UI is dark where this class is set, and does not ask the system by itself. */
const DARK = 'dark-mode';
const dark = matchMedia('(prefers-color-scheme: dark)');
const follow = () => document.documentElement.classList.toggle(DARK, dark.matches);
dark.addEventListener('change', follow);
follow();

SwaggerUI({
  url: '/openapi.json',
  dom_id: '#viewer',
  deepLinking: true,
  defaultModelsExpandDepth: 0,
  displayRequestDuration: true,
  tryItOutEnabled: true,
  // By default the viewer sends the document to a validator of another host.
  validatorUrl: null,
  onComplete() {
    document.querySelector('.opblock-tag-section')?.closest('.wrapper').setAttribute('id', 'calls');
  },
});
