{
  family: 'tours',
  containerDefinitions: [{ name: 'app', image: 'tours:' + std.extVar('tag') }],
}
