export default function NewtemplatePage() {
  return null;
}
