/** A line is what somebody says. */
type Line = {
  by: string;
  text: string;
  /** The line answers the one with this index. */
  replyTo?: number;
  /** These people react to it, and each of them has an emoji. */
  reactions?: [name: string, emoji: string][];
};

export type Talk = {
  /** The first one starts the conversation. */
  people: string[];
  title?: string;
  /** The first one is a customer of this business then, and agents take the conversation. */
  business?: string;
  lines: Line[];
};

/** The pictures show what these people talk about. The last talk is the newest. */
export const STORY: Talk[] = [
  {
    people: ['Hari', 'Asha'],
    lines: [
      { by: 'Hari', text: 'Did you find your umbrella?' },
      { by: 'Asha', text: 'It was in the bus. The driver kept it for me!' },
    ],
  },
  {
    people: ['Gita', 'Asha'],
    lines: [
      { by: 'Gita', text: 'The photos from Bandipur are ready' },
      { by: 'Asha', text: 'Send them all, even the blurry ones' },
      { by: 'Gita', text: 'https://photos.example.com/bandipur' },
    ],
  },
  {
    people: ['Eli', 'Asha'],
    lines: [
      { by: 'Asha', text: 'Can you review my pull request before Friday?' },
      { by: 'Eli', text: 'Reading it now. Two small remarks, the rest is good 👍' },
    ],
  },
  {
    people: ['Farah', 'Asha', 'Eli', 'Hari'],
    title: 'Book club',
    lines: [
      { by: 'Farah', text: 'Next is “Palpasa Café”. Who has a copy?' },
      { by: 'Hari', text: 'I can lend mine' },
      { by: 'Farah', text: 'We meet at my place on the 12th, bring tea' },
    ],
  },
  {
    people: ['Asha'],
    business: 'Himal Books',
    lines: [
      { by: 'Asha', text: 'Hello! Do you have “Palpasa Café” in English?' },
      { by: 'Jaya', text: 'Namaste Asha! Yes, two copies are here. Shall I keep one for you?' },
      { by: 'Asha', text: 'Please do, I come by tomorrow' },
      { by: 'Jaya', text: 'It waits at the desk under your name 📚' },
    ],
  },
  {
    people: ['Bikram', 'Asha', 'Chandra', 'Deepa'],
    title: 'Weekend in Pokhara',
    lines: [
      { by: 'Bikram', text: 'The bus leaves at 7 on Saturday, from Kalanki' },
      { by: 'Asha', text: 'I booked three rooms by the lake' },
      {
        by: 'Chandra',
        text: 'With a view of Machhapuchhre?',
        replyTo: 1,
      },
      {
        by: 'Asha',
        text: 'With a view, and breakfast on the roof',
        reactions: [
          ['Bikram', '🎉'],
          ['Chandra', '🎉'],
          ['Deepa', '❤️'],
        ],
      },
      { by: 'Deepa', text: 'I bring the board games. Bikram, you bring the good coffee again' },
      { by: 'Bikram', text: 'Already packed ☕', reactions: [['Asha', '😄']] },
      {
        by: 'Asha',
        text:
          'Weather says sun until Monday. If it clouds over we can walk to the Peace Pagoda, ' +
          'have lunch at Damside, and be back before the rain.',
      },
      { by: 'Chandra', text: 'Perfect. See you all at Kalanki!', replyTo: 0 },
    ],
  },
];

/** These customers write to Himal Books, and some of them wait. */
export const CUSTOMERS: { by: string; lines: string[]; agent?: string }[] = [
  { by: 'Deepa', lines: ['Can I return a book that I got twice as a present?'] },
  { by: 'Eli', lines: ['Do you ship to Chitwan?', 'It would be five books'] },
  { by: 'Farah', lines: ['Is “Seto Dharti” back in stock?'] },
  { by: 'Gita', lines: ['I ordered the atlas last week. Where is it now?'], agent: 'Jaya' },
  { by: 'Bikram', lines: ['Do you buy used books?'], agent: 'Kiran' },
];
